package wire_test

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

var (
	hashAlice, hashBob, hashCharlie = i2p.Hash{0xa1}, i2p.Hash{0xb0}, i2p.Hash{0xc4}
	endpointV4                      = netip.MustParseAddrPort("192.0.2.1:258")
	endpointV6                      = netip.MustParseAddrPort("[2001:db8::1]:258")
)

func signingKey(t testing.TB) keys.SigningPrivateKey {
	t.Helper()
	k, err := keys.NewSigningPrivateKey(keys.SigEd25519, bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func join(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, p...)
		case i2p.Hash:
			b = append(b, p[:]...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

// What is signed is written by hand from the lists of the specification.
func TestRelayRequestIsSignedAsSpecified(t *testing.T) {
	k := signingKey(t)
	r := wire.NewRelayRequest(k, hashBob, hashCharlie, 0x01020304, 0x05060708, 0x090a0b0c, endpointV4)
	body := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 2, 6, 1, 2, 192, 0, 2, 1}
	if !k.Public().Verify(join("RelayRequestData", hashBob, hashCharlie, body), r.Signature) {
		t.Fatal("another thing is signed")
	}
	block := r.Append(nil)
	if want := join([]byte{7, 0, byte(1 + len(body) + 64), 0}, body, r.Signature); !bytes.Equal(block, want) {
		t.Fatalf("%x, not %x", block, want)
	}
	got, err := wire.ParseRelayRequest(block[3:])
	if err != nil || !reflect.DeepEqual(got, r) || !got.Verify(k.Public(), hashBob, hashCharlie) {
		t.Fatalf("%+v, %v", got, err)
	}
	intro := wire.RelayIntro{From: hashAlice, Request: got}
	block = intro.Append(nil)
	if want := join([]byte{9, 0, byte(33 + len(body) + 64), 0}, hashAlice, body, r.Signature); !bytes.Equal(block, want) {
		t.Fatalf("%x, not %x", block, want)
	}
	forwarded, err := wire.ParseRelayIntro(block[3:])
	if err != nil || !reflect.DeepEqual(forwarded, intro) || !forwarded.Request.Verify(k.Public(), hashBob, hashCharlie) {
		t.Fatalf("%+v, %v", forwarded, err)
	}
	if got.Verify(k.Public(), hashCharlie, hashBob) || got.Verify(k.Public(), hashBob, hashBob) {
		t.Fatal("verified for other routers")
	}
	for _, change := range []func(*wire.RelayRequest){
		func(r *wire.RelayRequest) { r.Nonce++ }, func(r *wire.RelayRequest) { r.Tag++ }, func(r *wire.RelayRequest) { r.Time++ },
		func(r *wire.RelayRequest) { r.Version++ }, func(r *wire.RelayRequest) { r.Alice = endpointV6 }, func(r *wire.RelayRequest) { r.Signature = nil },
	} {
		c := got
		change(&c)
		if c.Verify(k.Public(), hashBob, hashCharlie) {
			t.Errorf("verified: %+v", c)
		}
	}
}

func TestRelayResponseIsSignedAsSpecified(t *testing.T) {
	k := signingKey(t)
	r := wire.NewRelayResponse(k, hashBob, wire.AcceptCode, 0x01020304, 0x05060708, endpointV6, 0x1112131415161718)
	body := join([]byte{1, 2, 3, 4, 5, 6, 7, 8, 2, 18, 1, 2, 0x20, 1, 0x0d, 0xb8}, make([]byte, 11), []byte{1})
	if !k.Public().Verify(join("RelayAgreementOK", hashBob, body), r.Signature) {
		t.Fatal("another thing is signed")
	}
	block := r.Append(nil)
	want := join([]byte{8, 0, byte(2 + len(body) + 64 + 8), 0, 0}, body, r.Signature, []byte{0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18})
	if !bytes.Equal(block, want) {
		t.Fatalf("%x, not %x", block, want)
	}
	got, err := wire.ParseRelayResponse(block[3:])
	if err != nil || !reflect.DeepEqual(got, r) || !got.Verify(k.Public(), hashBob) || got.Verify(k.Public(), hashCharlie) {
		t.Fatalf("%+v, %v", got, err)
	}

	// A refusal: size 0, a signature, no token.
	r = wire.NewRelayResponse(k, hashBob, wire.CodeCharlieLimit, 0x01020304, 0x05060708, endpointV6, 7)
	body = []byte{1, 2, 3, 4, 5, 6, 7, 8, 2, 0}
	if !k.Public().Verify(join("RelayAgreementOK", hashBob, body), r.Signature) {
		t.Fatal("another thing is signed")
	}
	block = r.Append(nil)
	if want := join([]byte{8, 0, 76, 0, 66}, body, r.Signature); !bytes.Equal(block, want) {
		t.Fatalf("%x, not %x", block, want)
	}
	if got, err = wire.ParseRelayResponse(block[3:]); err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("%+v, %v", got, err)
	}
	// The shortest refusal of the specification.
	if got, err = wire.ParseRelayResponse([]byte{0, 5, 1, 2, 3, 4}); err != nil || got.Code != wire.RelayCodeTagNotFound || got.Nonce != 0x01020304 || got.Signature != nil {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestPeerTestIsSignedAsSpecified(t *testing.T) {
	k := signingKey(t)
	one := wire.NewPeerTest(k, hashBob, 0x01020304, 0x05060708, endpointV4)
	body := []byte{2, 1, 2, 3, 4, 5, 6, 7, 8, 6, 1, 2, 192, 0, 2, 1}
	if !k.Public().Verify(join("PeerTestValidate", hashBob, body), one.Signature) {
		t.Fatal("another thing is signed")
	}
	if block, want := one.Append(nil), join([]byte{10, 0, byte(3 + len(body) + 64), 1, 0, 0}, body, one.Signature); !bytes.Equal(block, want) {
		t.Fatalf("%x, not %x", block, want)
	}
	two := one.Forward(2, 0, hashAlice)
	block := two.Append(nil)
	if want := join([]byte{10, 0, byte(35 + len(body) + 64), 2, 0, 0}, hashAlice, body, one.Signature); !bytes.Equal(block, want) {
		t.Fatalf("%x, not %x", block, want)
	}
	got, err := wire.ParsePeerTest(block[3:])
	if err != nil || !reflect.DeepEqual(got, two) || !got.VerifyAlice(k.Public(), hashBob) {
		t.Fatalf("%+v, %v", got, err)
	}
	three := got.Answer(k, hashBob, 3, wire.AcceptCode)
	if three.Message != 3 || !three.Router.IsZero() || !k.Public().Verify(join("PeerTestValidate", hashBob, hashAlice, body), three.Signature) {
		t.Fatalf("%+v: another thing is signed", three)
	}
	four := three.Forward(4, 0, hashCharlie)
	got, err = wire.ParsePeerTest(four.Append(nil)[3:])
	if err != nil || !reflect.DeepEqual(got, four) || !got.VerifyCharlie(k.Public(), hashBob, hashAlice) {
		t.Fatalf("%+v, %v", got, err)
	}
	if got.VerifyCharlie(k.Public(), hashBob, hashCharlie) || got.VerifyAlice(k.Public(), hashBob) {
		t.Fatal("verified for other routers")
	}
	five := wire.PeerTest{Message: 5, Version: 2, Nonce: 1, Time: 2, Alice: endpointV6}
	if got, err = wire.ParsePeerTest(five.Append(nil)[3:]); err != nil || len(got.Signature) != 0 || got.Alice != endpointV6 {
		t.Fatalf("without a signature: %+v, %v", got, err)
	}
}

// An IPv4 address that somebody signed as an IPv6 one is written again as it was.
func TestMappedAddressesStayAsTheyWereSigned(t *testing.T) {
	mapped := netip.AddrPortFrom(netip.AddrFrom16(netip.MustParseAddr("::ffff:192.0.2.1").As16()), 5)
	p := wire.NewPeerTest(signingKey(t), hashBob, 1, 2, mapped)
	block := p.Append(nil)
	got, err := wire.ParsePeerTest(block[3:])
	if err != nil || !bytes.Equal(got.Append(nil), block) || !got.VerifyAlice(signingKey(t).Public(), hashBob) {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestWhoRefused(t *testing.T) {
	for code, charlie := range map[byte]bool{1: false, 63: false, 64: true, 70: true, 127: true, 128: true} {
		if wire.FromCharlie(code) != charlie {
			t.Errorf("code %d", code)
		}
	}
}
