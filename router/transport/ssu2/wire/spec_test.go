package wire_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"

	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/transport/ssu2/wire"
)

// specAlice is the initiator once more, written line by line from the KDFs of the specifications ("SSU2", "SSU2 Hybrid"), slow
// and with nothing of the package: there is no recording with another router for the hybrid variants.
type specAlice struct {
	t     *testing.T
	h, ck [32]byte
	k     [32]byte
	bik   [32]byte
}

func (a *specAlice) mixHash(b []byte) { a.h = sha256.Sum256(append(a.h[:], b...)) }

func specHKDF(salt, ikm []byte, info string) (one, two [32]byte) {
	sum := func(key []byte, parts ...[]byte) [32]byte {
		m := hmac.New(sha256.New, key)
		for _, p := range parts {
			m.Write(p)
		}
		return [32]byte(m.Sum(nil))
	}
	prk := sum(salt, ikm)
	one = sum(prk[:], []byte(info), []byte{1})
	two = sum(prk[:], one[:], []byte(info), []byte{2})
	return one, two
}

func (a *specAlice) mixKey(secret []byte) { a.ck, a.k = specHKDF(a.ck[:], secret, "") }

func (a *specAlice) dh(private, public [32]byte) []byte {
	p, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		a.t.Fatal(err)
	}
	q, err := ecdh.X25519().NewPublicKey(public[:])
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := p.ECDH(q)
	if err != nil {
		a.t.Fatal(err)
	}
	return secret
}

func (a *specAlice) public(private [32]byte) [32]byte {
	p, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return [32]byte(p.PublicKey().Bytes())
}

func specNonce(n uint64) []byte {
	b := make([]byte, 12)
	binary.LittleEndian.PutUint64(b[4:], n)
	return b
}

func specSeal(k [32]byte, n uint64, plain, ad []byte) []byte {
	c, _ := chacha20poly1305.New(k[:])
	return c.Seal(nil, specNonce(n), plain, ad)
}

func (a *specAlice) open(n uint64, sealed []byte) []byte {
	c, _ := chacha20poly1305.New(a.k[:])
	plain, err := c.Open(nil, specNonce(n), sealed, a.h[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return plain
}

func specChaCha20(k [32]byte, iv, b []byte) {
	c, _ := chacha20.NewUnauthenticatedCipher(k[:], iv)
	c.SetCounter(1)
	c.XORKeyStream(b, b)
}

// protect is the Header Encryption KDF, which undoes itself if the rest is sealed already.
func specProtect(packet []byte, k1, k2 [32]byte, long int) {
	n := len(packet)
	for i, k := range [][32]byte{k1, k2} {
		mask := make([]byte, 8)
		specChaCha20(k, bytes.Clone(packet[n-24+12*i:n-12+12*i]), mask)
		for j, m := range mask {
			packet[8*i+j] ^= m
		}
	}
	specChaCha20(k2, make([]byte, 12), packet[16:16+long])
}

func TestResponderUnderstandsTheSpecification(t *testing.T) {
	for _, v := range variants {
		t.Run(v.String(), func(t *testing.T) {
			p := newPair(v)
			b := wire.NewResponder(p.responder)
			bpk := p.bob.Public()
			name := map[wire.Variant]string{
				wire.Plain:    "Noise_XKchaobfse+hs1+hs2+hs3_25519_ChaChaPoly_SHA256",
				wire.MLKEM512: "Noise_XKhfschaobfse+hs1+hs2+hs3_25519+MLKEM512_ChaChaPoly_SHA256",
				wire.MLKEM768: "Noise_XKhfschaobfse+hs1+hs2+hs3_25519+MLKEM768_ChaChaPoly_SHA256",
			}[v]
			params := map[wire.Variant]mlkem.Params{wire.MLKEM512: mlkem.MLKEM512, wire.MLKEM768: mlkem.MLKEM768}[v]
			a := &specAlice{t: t, bik: p.bobIntro}
			a.h = sha256.Sum256([]byte(name))
			a.ck = a.h
			a.mixHash(nil)
			a.mixHash(bpk[:])
			if v != wire.Plain {
				a.mixHash(p.hash[:])
			}

			// SessionRequest
			header := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 0, 2 + byte(v), networkID, 0, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 77}
			aesk := [32]byte{31: 64, 5: 5}
			aepk := a.public(aesk)
			a.mixHash(header)
			a.mixHash(aepk[:])
			a.mixKey(a.dh(aesk, bpk))
			packet := append(bytes.Clone(header), aepk[:]...)
			var kem *mlkem.PrivateKey
			n := uint64(0)
			if v != wire.Plain {
				var err error
				if kem, err = mlkem.GenerateKey(params); err != nil {
					t.Fatal(err)
				}
				section := specSeal(a.k, 0, kem.EncapsulationKey(), a.h[:])
				a.mixHash(section)
				packet = append(packet, section...)
				n = 1
			}
			section := specSeal(a.k, n, p.request, a.h[:])
			a.mixHash(section)
			packet = append(packet, section...)
			specProtect(packet, a.bik, a.bik, 48)
			createdKey, _ := specHKDF(a.ck[:], nil, "SessCreateHeader")
			h, payload, err := b.OpenRequest(packet)
			if err != nil || h.Token != 77 || !bytes.Equal(payload, p.request) {
				t.Fatalf("SessionRequest: %v", err)
			}

			// SessionCreated
			if packet, err = b.Created(p.created); err != nil {
				t.Fatal(err)
			}
			specProtect(packet, a.bik, createdKey, 48)
			if !bytes.Equal(packet[:8], header[16:24]) || !bytes.Equal(packet[16:24], header[:8]) || packet[12] != 1 || packet[13] != 2+byte(v) {
				t.Fatalf("header of SessionCreated: %x", packet[:32])
			}
			bepk := [32]byte(packet[32:64])
			a.mixHash(packet[:32])
			a.mixHash(bepk[:])
			a.mixKey(a.dh(aesk, bepk))
			rest := packet[64:]
			if v != wire.Plain {
				section := rest[:params.CiphertextSize()+16]
				rest = rest[len(section):]
				ciphertext := a.open(0, section)
				a.mixHash(section)
				secret, err := kem.Decapsulate(ciphertext)
				if err != nil {
					t.Fatal(err)
				}
				a.mixKey(secret[:])
			}
			if got := a.open(0, rest); !bytes.Equal(got, p.created) {
				t.Fatalf("SessionCreated: %x", got)
			}
			a.mixHash(rest)

			// SessionConfirmed
			confirmedKey, _ := specHKDF(a.ck[:], nil, "SessionConfirmed")
			packet = append(bytes.Clone(header[:8]), 0, 0, 0, 0, 2, 1, 0, 0)
			a.mixHash(packet)
			ask := p.alice.Bytes()
			apk := a.public(ask)
			section = specSeal(a.k, 1, apk[:], a.h[:])
			a.mixHash(section)
			packet = append(packet, section...)
			a.mixKey(a.dh(ask, bepk))
			packet = append(packet, specSeal(a.k, 0, p.info, a.h[:])...)
			specProtect(packet, a.bik, confirmedKey, 0)
			payload, complete, err := b.OpenConfirmed(packet)
			if err != nil || !complete || !bytes.Equal(payload, p.info) || b.RemoteStatic() != apk {
				t.Fatalf("SessionConfirmed: %v", err)
			}

			// Data
			kab, kba := specHKDF(a.ck[:], nil, "")
			var want wire.DataKeys
			want.Receive.Data, want.Receive.Header = specHKDF(kab[:], nil, "HKDFSSU2DataKeys")
			want.Send.Data, want.Send.Header = specHKDF(kba[:], nil, "HKDFSSU2DataKeys")
			if b.Keys() != want {
				t.Fatal("other keys")
			}
			short := append(bytes.Clone(header[:8]), 0, 0, 1, 2, 6, 1, 0, 0)
			sealed := append(bytes.Clone(short), specSeal(want.Receive.Data, 0x102, p.request, short)...)
			specProtect(sealed, a.bik, want.Receive.Header, 0)
			number, immediate, payload, err := wire.NewOpener(b.Keys().Receive).Open(sealed, b.SrcID())
			if err != nil || number != 0x102 || !immediate || !bytes.Equal(payload, p.request) {
				t.Fatalf("data: %v", err)
			}
		})
	}
}
