package noise_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"clove.i2p/router/crypto/noise"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("bad vector %q", s)
	}
	return b
}

// The constants that i2pd has precomputed in Crypto.cpp (InitNoise*State).
func TestInitialStatesAgreeWithI2pd(t *testing.T) {
	for name, want := range map[string]struct{ ck, h string }{
		"Noise_N_25519_ChaChaPoly_SHA256": {
			hex.EncodeToString([]byte("Noise_N_25519_ChaChaPoly_SHA256\x00")),
			"694d52445a27d9adfad29c7632395dc1e4354c69b4f92eac8a1ee46a9ed21554",
		},
		"Noise_XKaesobfse+hs2+hs3_25519_ChaChaPoly_SHA256": {
			"72e842c545e18080d39c4493bb91d7edf22898177121 8c1f624e206f28d32f71",
			"49ff483fc404b9b26b11943672ff05b56127033 1ba89b8fc3315938757dd3d1e",
		},
		"Noise_XKchaobfse+hs1+hs2+hs3_25519_ChaChaPoly_SHA256": {
			"b1372281742 3a8fdf42df2e60ed1edf41b93071db1ec24a367f784ec270d8132",
			"dc85e6af7b02650cf1f9 0d71fbc6d453a7cf6dbfbd525ea5b5791c47b35ebc33",
		},
		"Noise_IKelg2+hs2_25519_ChaChaPoly_SHA256": {
			"4caf11ef2c8e36564c53e88885064dbaacbe0054ad178f8079a646827e6ee40c",
			"9ccf852cc93bb9504441e950e01d52322e0d47add1e9a555f755b569ae183b5c",
		},
		// The hybrid ones are in PostQuantum.cpp since 2.59 and 2.60.
		"Noise_XKhfsaesobfse+hs2+hs3_25519+MLKEM512_ChaChaPoly_SHA256": {
			"f99f6c60ea06787f8dc23fa3e9f7c0a5347710c11d99e0e99ce3902b92320720",
			"6ac42cd831ebd30cdf902e67f46639ab85cfac0f77ba795861e956974499ade1",
		},
		"Noise_XKhfsaesobfse+hs2+hs3_25519+MLKEM768_ChaChaPoly_SHA256": {
			"b9c3445611cc80ecca15de37a41ab6c6fb59db83eb1e9d7e2763a8a534ec53d1",
			"0bcd38afcfb7aaeb2573b84f748302948b53f542ce3f23dccc9ae9b021ab48ff",
		},
		"Noise_XKhfsaesobfse+hs2+hs3_25519+MLKEM1024_ChaChaPoly_SHA256": {
			"97e68d27494150ea80548e7304453f6129bc078b140513be9a55b207a2da370c",
			"59501a598782655558099becab2a641df17bcae7b35d6da78c6e797eabf3573f",
		},
		"Noise_XKhfschaobfse+hs1+hs2+hs3_25519+MLKEM512_ChaChaPoly_SHA256": {
			"1622454dbea3f77bcf5a0b60f856e054a67972742ab71adf39387d35f8904168",
			"b184af89b5d27fbda462be35a4c01777fb70c7392872cf744abf3cc5b86cafcf",
		},
		"Noise_XKhfschaobfse+hs1+hs2+hs3_25519+MLKEM768_ChaChaPoly_SHA256": {
			"06458d7f4a0e53d37bdbbb747799a104c752000be0d12a83037be3d1db77f290",
			"d6ae2015445f61a5a7e287cf64e00ccc97ebea1c5dd08c26343206f55e28ad12",
		},
	} {
		s := noise.New(name)
		s.MixHash(nil)
		ck, h := s.ChainKey(), s.Hash()
		if !bytes.Equal(ck[:], unhex(t, squeeze(want.ck))) || !bytes.Equal(h[:], unhex(t, squeeze(want.h))) {
			t.Errorf("%s: ck %x h %x", name, ck, h)
		}
	}
}

func squeeze(s string) string { return string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)) }

// party keeps one side's keys of a handshake in the tests below.
type party struct {
	static, ephemeral *ecdh.PrivateKey
	state             noise.Symmetric
}

func key(t testing.TB, s string) *ecdh.PrivateKey {
	k, err := ecdh.X25519().NewPrivateKey(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func dh(t testing.TB, a *ecdh.PrivateKey, b *ecdh.PublicKey) []byte {
	s, err := a.ECDH(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pair(t *testing.T, name string) (alice, bob *party) {
	alice = &party{static: key(t, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), ephemeral: key(t, "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f")}
	bob = &party{static: key(t, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"), ephemeral: key(t, "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60")}
	for _, p := range []*party{alice, bob} {
		p.state = noise.New(name)
		p.state.MixHash(nil)
		p.state.MixHash(bob.static.PublicKey().Bytes())
	}
	return alice, bob
}

// message runs the payload through both states after the tokens were mixed into both, and compares the wire bytes.
func message(t *testing.T, from, to *party, prefix []byte, payload, want string) {
	t.Helper()
	wire := from.state.EncryptAndHash(append([]byte(nil), prefix...), []byte(payload))
	if !bytes.Equal(wire, unhex(t, want)) {
		t.Fatalf("message %x, want %s", wire, want)
	}
	got, err := to.state.DecryptAndHash(nil, wire[len(prefix):])
	if err != nil || string(got) != payload {
		t.Fatalf("opened %q, %v", got, err)
	}
}

func (p *party) mixes(t *testing.T, hash []byte, k *ecdh.PrivateKey, pub *ecdh.PublicKey) {
	if hash != nil {
		p.state.MixHash(hash)
	}
	p.state.MixKey(dh(t, k, pub))
}

// github.com/flynn/noise v1.1.0, vectors.txt: XK with payloads and no prologue.
func TestXKAgreesWithFlynnNoise(t *testing.T) {
	a, b := pair(t, "Noise_XK_25519_ChaChaPoly_SHA256")
	ae, be := a.ephemeral.PublicKey(), b.ephemeral.PublicKey()
	a.mixes(t, ae.Bytes(), a.ephemeral, b.static.PublicKey())
	b.mixes(t, ae.Bytes(), b.static, ae)
	message(t, a, b, ae.Bytes(), "test_msg_0", "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd1662540c4e6c2fa1de96ff5794a3f905720f0fa07aa85019d1138cfb87")
	b.mixes(t, be.Bytes(), b.ephemeral, ae)
	a.mixes(t, be.Bytes(), a.ephemeral, be)
	message(t, b, a, be.Bytes(), "test_msg_1", "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466e3186922b93e29c4a8f4d1c4e448467cbed9a9a4dd2ec38c1ab4")
	sealed := a.state.EncryptAndHash(nil, a.static.PublicKey().Bytes())
	static, err := b.state.DecryptAndHash(nil, sealed)
	if err != nil || !bytes.Equal(static, a.static.PublicKey().Bytes()) {
		t.Fatalf("static key %x, %v", static, err)
	}
	a.mixes(t, nil, a.static, be)
	b.mixes(t, nil, b.ephemeral, a.static.PublicKey())
	message(t, a, b, sealed, "test_msg_2", "24a819b832ab7a11dd1464c2baf72f2c49e0665757911662ab11495a5fd4437e2a7ab6eac00781f1afcc98a4a72d60deed954c511b2929288a7115b740e75dd4c4eb940229b3abb9dae6")
	ab, ba := a.state.Split()
	if got := noise.Seal(nil, &ab, 0, []byte("yellowsubmarine"), nil); !bytes.Equal(got, unhex(t, "e8b0f2fc220f7edc287a91ba45c76f6da1327405789dc61e31a649f57d6d93")) {
		t.Errorf("first data message %x", got)
	}
	if got := noise.Seal(nil, &ba, 0, []byte("submarineyellow"), nil); !bytes.Equal(got, unhex(t, "ed6901a7cd973e880242b047fc86da03b498e8ed8e9838d6f3d107420dfcd9")) {
		t.Errorf("second data message %x", got)
	}
	if ab2, ba2 := b.state.Split(); ab2 != ab || ba2 != ba {
		t.Error("both sides do not split alike")
	}
}

// github.com/flynn/noise v1.1.0, vectors.txt: IK.
func TestIKAgreesWithFlynnNoise(t *testing.T) {
	a, b := pair(t, "Noise_IK_25519_ChaChaPoly_SHA256")
	ae, be, as := a.ephemeral.PublicKey(), b.ephemeral.PublicKey(), a.static.PublicKey()
	a.mixes(t, ae.Bytes(), a.ephemeral, b.static.PublicKey())
	b.mixes(t, ae.Bytes(), b.static, ae)
	sealed := a.state.EncryptAndHash(nil, as.Bytes())
	if _, err := b.state.DecryptAndHash(nil, sealed); err != nil {
		t.Fatal(err)
	}
	a.mixes(t, nil, a.static, b.static.PublicKey())
	b.mixes(t, nil, b.static, as)
	message(t, a, b, append(ae.Bytes(), sealed...), "", "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd1662544f8445e5dc2467b1e32653192d05dee85c4781bf0dd8d33ceebb5905a7a069f09e0d3f2cad1c842930a762eb75e52827f01d2c85189d527644b3221b4c3fc5cc")
	a.mixes(t, be.Bytes(), a.ephemeral, be)
	b.mixes(t, be.Bytes(), b.ephemeral, ae)
	a.mixes(t, nil, a.static, be)
	b.mixes(t, nil, b.ephemeral, as)
	message(t, b, a, be.Bytes(), "", "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466aabfe2e5b1650bbaa88e33679893fc77")
}

func TestFailedDecryptionLeavesTheState(t *testing.T) {
	s := noise.New("Noise_N_25519_ChaChaPoly_SHA256")
	s.MixKey(make([]byte, 32))
	receiver := s
	wire := s.EncryptAndHash(nil, []byte("payload"))
	bad := append([]byte(nil), wire...)
	bad[3] ^= 1
	before := receiver
	if _, err := receiver.DecryptAndHash(nil, bad); !errors.Is(err, noise.ErrAuthentication) {
		t.Fatalf("error %v", err)
	}
	if receiver != before {
		t.Fatal("state changed")
	}
	got, err := receiver.DecryptAndHash(wire[:0], wire)
	if err != nil || string(got) != "payload" {
		t.Fatalf("in place after a failure: %q, %v", got, err)
	}
	if receiver != s {
		t.Fatal("both sides do not agree")
	}
}

func TestHandshakeMessageInPlace(t *testing.T) {
	s := noise.New("Noise_N_25519_ChaChaPoly_SHA256")
	s.MixKey(make([]byte, 32))
	other := s
	buf := make([]byte, 5, 5+noise.TagLen)
	copy(buf, "hello")
	inPlace := s.EncryptAndHash(buf[:0], buf)
	if &inPlace[0] != &buf[0] {
		t.Fatal("moved")
	}
	if want := other.EncryptAndHash(nil, []byte("hello")); !bytes.Equal(inPlace, want) || s != other {
		t.Fatalf("%x, want %x", inPlace, want)
	}
}

// RFC 5869 appendix A, tests 1 to 3; the last also has long inputs for every branch.
func TestHKDFAgreesWithRFC5869(t *testing.T) {
	for name, v := range map[string]struct{ ikm, salt, info, okm string }{
		"basic": {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9", "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
		"longer": {
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
			"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
			"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
			"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
		},
		"zero-length": {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
	} {
		var out [3][32]byte
		noise.HKDF(unhex(t, v.salt), unhex(t, v.ikm), string(unhex(t, v.info)), &out[0], &out[1], &out[2])
		all := append(append(out[0][:], out[1][:]...), out[2][:]...)
		if want := unhex(t, v.okm); !bytes.Equal(all[:len(want)], want) {
			t.Errorf("%s: %x", name, all)
		}
	}
}

func TestHKDFOutputsMayAliasInputs(t *testing.T) {
	salt := sha256.Sum256([]byte("salt"))
	ikm := sha256.Sum256([]byte("ikm"))
	want, err := hkdf.Key(sha256.New, ikm[:], salt[:], "info", 64)
	if err != nil {
		t.Fatal(err)
	}
	noise.HKDF(salt[:], ikm[:], "info", &salt, &ikm)
	if !bytes.Equal(want[:32], salt[:]) || !bytes.Equal(want[32:], ikm[:]) {
		t.Fatalf("%x %x, want %x", salt, ikm, want)
	}
}

func FuzzHKDFAgreesWithStandardLibrary(f *testing.F) {
	f.Add([]byte("salt"), []byte("ikm"), "SMTunnelReplyKey")
	f.Add(make([]byte, 64), make([]byte, 160), "")
	f.Add(make([]byte, 65), make([]byte, 161), "x")
	f.Fuzz(func(t *testing.T, salt, ikm []byte, info string) {
		want, err := hkdf.Key(sha256.New, ikm, salt, info, 96)
		if err != nil {
			t.Skip()
		}
		var out [3][32]byte
		noise.HKDF(salt, ikm, info, &out[0], &out[1], &out[2])
		for i := range out {
			if !bytes.Equal(out[i][:], want[i*32:i*32+32]) {
				t.Fatalf("output %d: %x, want %x", i, out[i], want[i*32:i*32+32])
			}
		}
	})
}

// RFC 7539 section 2.4.2: the key stream begins with block 1.
func TestChaCha20AgreesWithRFC7539(t *testing.T) {
	var k [32]byte
	for i := range k {
		k[i] = byte(i)
	}
	nonce := [12]byte{7: 0x4a}
	text := []byte("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.")
	noise.ChaCha20(text, text, &k, &nonce)
	if want := unhex(t, "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8eedf2785e42874d"); !bytes.Equal(text, want) {
		t.Fatalf("%x", text)
	}
}

func TestHKDFAndMixHashDoNotAllocate(t *testing.T) {
	s := noise.New("Noise_N_25519_ChaChaPoly_SHA256")
	data := make([]byte, 480)
	var a, b [32]byte
	if n := testing.AllocsPerRun(100, func() {
		s.MixHash(data)
		s.MixKey(data[:32])
		noise.HKDF(a[:], nil, "SMTunnelReplyKey", &a, &b)
	}); n > 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkHKDF64(b *testing.B) {
	var x, y [32]byte
	b.ReportAllocs()
	for b.Loop() {
		noise.HKDF(x[:], nil, "SessionTagKeyGen", &x, &y)
	}
}

func BenchmarkChaCha20Header(b *testing.B) {
	var k [32]byte
	var n [12]byte
	var d [8]byte
	b.ReportAllocs()
	for b.Loop() {
		noise.ChaCha20(d[:], d[:], &k, &n)
	}
}
