package ntcp2

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"golang.org/x/crypto/chacha20poly1305"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2p"
)

// A paper is the handshake once more, written down from the text of ntcp2.md ("Key Derivation Function (KDF)" for each
// message) and of proposal 169 ("Noise Handshake KDF", "NTCP2"), line by line and from primitives of other libraries: it
// shares no code with this package, router/crypto/noise or router/crypto/mlkem. It stands for the vectors that neither the
// proposal nor another router has.
type paper struct {
	t            *testing.T
	h, ck, k     []byte
	aesIV        []byte
	aesKey       []byte
	scheme       kem.Scheme
	protocolName string
}

func newPaper(t *testing.T, p mlkem.Params, bobHash i2p.Hash, iv [16]byte, bobStatic []byte) *paper {
	w := &paper{t: t, aesKey: bobHash[:], aesIV: iv[:]}
	switch p {
	case mlkem.MLKEM512:
		w.protocolName, w.scheme = "Noise_XKhfsaesobfse+hs2+hs3_25519+MLKEM512_ChaChaPoly_SHA256", mlkem512.Scheme()
	case mlkem.MLKEM768:
		w.protocolName, w.scheme = "Noise_XKhfsaesobfse+hs2+hs3_25519+MLKEM768_ChaChaPoly_SHA256", mlkem768.Scheme()
	case mlkem.MLKEM1024:
		w.protocolName, w.scheme = "Noise_XKhfsaesobfse+hs2+hs3_25519+MLKEM1024_ChaChaPoly_SHA256", mlkem1024.Scheme()
	}
	w.h = sum([]byte(w.protocolName)) // h = SHA256(protocol_name)
	w.ck = w.h                        // chainKey = h
	w.h = sum(w.h)                    // MixHash(null prologue)
	w.mixHash(bobStatic)              // MixHash(rs)
	return w
}

func sum(parts ...[]byte) []byte {
	d := sha256.New()
	for _, p := range parts {
		d.Write(p)
	}
	return d.Sum(nil)
}

func mac(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

func (w *paper) mixHash(b []byte) { w.h = sum(w.h, b) }

// mixKey is keydata = HKDF(chainKey, secret, "", 64).
func (w *paper) mixKey(secret []byte) {
	temp := mac(w.ck, secret)
	w.ck = mac(temp, []byte{1})
	w.k = mac(temp, w.ck, []byte{2})
}

func (w *paper) dh(priv *ecdh.PrivateKey, pub []byte) {
	p, err := ecdh.X25519().NewPublicKey(pub)
	if err != nil {
		w.t.Fatal(err)
	}
	secret, err := priv.ECDH(p)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mixKey(secret)
}

// seal is ENCRYPT(k, n, plaintext, ad = h), then MixHash(ciphertext).
func (w *paper) seal(n uint64, plaintext []byte) []byte {
	aead, _ := chacha20poly1305.New(w.k)
	nonce := make([]byte, 12)
	binary.LittleEndian.PutUint64(nonce[4:], n)
	out := aead.Seal(nil, nonce, plaintext, w.h)
	w.mixHash(out)
	return out
}

func (w *paper) open(n uint64, ciphertext []byte) []byte {
	w.t.Helper()
	aead, _ := chacha20poly1305.New(w.k)
	nonce := make([]byte, 12)
	binary.LittleEndian.PutUint64(nonce[4:], n)
	out, err := aead.Open(nil, nonce, ciphertext, w.h)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mixHash(ciphertext)
	return out
}

// hide is AES-256-CBC with the IV of the address for X, and the last block of the hidden X as IV for Y.
func (w *paper) hide(key []byte) []byte {
	block, _ := aes.NewCipher(w.aesKey)
	out := make([]byte, 32)
	cipher.NewCBCEncrypter(block, w.aesIV).CryptBlocks(out, key)
	w.aesIV = out[16:]
	return out
}

func (w *paper) reveal(hidden []byte) []byte {
	block, _ := aes.NewCipher(w.aesKey)
	out := make([]byte, 32)
	cipher.NewCBCDecrypter(block, w.aesIV).CryptBlocks(out, hidden)
	w.aesIV = bytes.Clone(hidden[16:32])
	return out
}

// dataPhase is k_ab, k_ba, and the SipHash keys and IVs of both directions, 24 bytes each.
func (w *paper) dataPhase() (all [4][]byte) {
	temp := mac(w.ck)
	all[0] = mac(temp, []byte{1})
	all[1] = mac(temp, all[0], []byte{2})
	ask := mac(temp, []byte("ask"), []byte{1})
	sip := mac(mac(ask, w.h, []byte("siphash")), []byte{1})
	temp = mac(sip)
	all[2] = mac(temp, []byte{1})
	all[3] = mac(temp, all[2], []byte{2})[:24]
	all[2] = all[2][:24]
	return all
}

func (w *paper) compare(k sessionKeys) {
	w.t.Helper()
	sip := func(d directionKeys) []byte {
		b := binary.LittleEndian.AppendUint64(nil, d.sip1)
		return append(binary.LittleEndian.AppendUint64(b, d.sip2), d.sipIV[:]...)
	}
	got := [4][]byte{k.ab.cipher[:], k.ba.cipher[:], sip(k.ab), sip(k.ba)}
	for i, want := range w.dataPhase() {
		if !bytes.Equal(got[i], want) {
			w.t.Errorf("key %d of the data phase: %x, want %x", i, got[i], want)
		}
	}
}

func newECDH(t *testing.T) *ecdh.PrivateKey {
	t.Helper()
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// Alice on paper, Bob is ours.
func TestResponderAgreesWithTheProposal(t *testing.T) {
	for _, p := range allSizes() {
		for _, padding := range []int{0, 33, requestLen(p)} {
			now := time.Unix(1_800_000_000, 0)
			ri, alice := testRouterInfo(t)
			aliceStatic, err := ecdh.X25519().NewPrivateKey(recorded(t, "outbound").Static)
			if err != nil {
				t.Fatal(err)
			}
			bobStatic := newECDH(t)
			hash, iv := i2p.Hash(randomBytes(32)), [16]byte(randomBytes(16))
			r := newResponder(responderConfig{static: keys.NewX25519([32]byte(bobStatic.Bytes())), iv: iv, self: hash, networkID: 99, accept: p})
			w := newPaper(t, p, hash, iv, bobStatic.PublicKey().Bytes())

			// Message 1: X with the mark, e1, options, padding.
			e := newECDH(t)
			x := e.PublicKey().Bytes()
			w.mixHash(x)
			w.dh(e, bobStatic.PublicKey().Bytes()) // es
			hidden := bytes.Clone(x)
			hidden[31] |= 0x80
			msg := w.hide(hidden)
			encap, decap, err := w.scheme.GenerateKeyPair()
			if err != nil {
				t.Fatal(err)
			}
			encapKey, err := encap.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			msg = append(msg, w.seal(0, encapKey)...)
			info := append([]byte{2, byte((len(ri.Bytes()) + 1) >> 8), byte(len(ri.Bytes()) + 1), 0}, ri.Bytes()...)
			options := []byte{99, 2, byte(padding >> 8), byte(padding), byte((len(info) + 16) >> 8), byte(len(info) + 16), 0, 0}
			options = append(binary.BigEndian.AppendUint32(options, uint32(now.Unix())), 0, 0, 0, 0)
			msg = append(msg, w.seal(1, options)...)
			if padding > 0 {
				pad := randomBytes(padding)
				msg = append(msg, pad...)
				w.mixHash(pad)
			}
			if _, err := feedRequest(r, msg, now); err != nil {
				t.Fatalf("%v: SessionRequest: %v", p, err)
			}

			// Message 2: Y, ekem1, options, padding.
			msg, err = r.sessionCreated(now)
			if err != nil {
				t.Fatal(err)
			}
			y := w.reveal(msg[:32])
			w.mixHash(y)
			w.dh(e, y) // ee
			n := 32 + w.scheme.CiphertextSize() + 16
			secret, err := w.scheme.Decapsulate(decap, w.open(0, msg[32:n]))
			if err != nil {
				t.Fatal(err)
			}
			w.mixKey(secret)
			options = w.open(0, msg[n:n+32])
			if pad := msg[n+32:]; len(pad) != int(binary.BigEndian.Uint16(options[2:])) {
				t.Fatalf("%d bytes of padding", len(pad))
			} else if len(pad) > 0 {
				w.mixHash(pad)
			}

			// Message 3.
			msg = w.seal(1, aliceStatic.PublicKey().Bytes())
			w.dh(aliceStatic, y) // se
			msg = append(msg, w.seal(0, info)...)
			static, payload, err := feedConfirmed(r, msg)
			if err != nil || static != alice.Public() || payload.routerInfo.Hash() != ri.Hash() {
				t.Fatalf("%v: SessionConfirmed: %v", p, err)
			}
			w.compare(r.keys())
		}
	}
}

// Bob on paper, Alice is ours.
func TestInitiatorAgreesWithTheProposal(t *testing.T) {
	for _, p := range allSizes() {
		for _, padding := range []int{0, 33, createdLen(p)} {
			now := time.Unix(1_800_000_000, 0)
			ri, alice := testRouterInfo(t)
			bobStatic := newECDH(t)
			hash, iv := i2p.Hash(randomBytes(32)), [16]byte(randomBytes(16))
			i, err := newInitiator(initiatorConfig{
				static: alice, networkID: 99, self: ri.Bytes(), responder: hash,
				peer: keys.X25519Public(bobStatic.PublicKey().Bytes()), iv: iv, hybrid: p,
			})
			if err != nil {
				t.Fatal(err)
			}
			w := newPaper(t, p, hash, iv, bobStatic.PublicKey().Bytes())

			msg, err := i.sessionRequest(now)
			if err != nil {
				t.Fatal(err)
			}
			x := w.reveal(msg[:32])
			if x[31]&0x80 == 0 {
				t.Fatal("no mark in X")
			}
			x[31] &= 0x7f
			w.mixHash(x)
			w.dh(bobStatic, x) // es
			n := 32 + w.scheme.PublicKeySize() + 16
			encap, err := w.scheme.UnmarshalBinaryPublicKey(w.open(0, msg[32:n]))
			if err != nil {
				t.Fatal(err)
			}
			options := w.open(1, msg[n:n+32])
			if options[0] != 99 || options[1] != 2 || binary.BigEndian.Uint32(options[8:]) != uint32(now.Unix()) {
				t.Fatalf("options %x", options)
			}
			if pad := msg[n+32:]; len(pad) != int(binary.BigEndian.Uint16(options[2:])) {
				t.Fatalf("%d bytes of padding", len(pad))
			} else if len(pad) > 0 {
				w.mixHash(pad)
			}
			confirmed2 := int(binary.BigEndian.Uint16(options[4:]))

			e := newECDH(t)
			y := e.PublicKey().Bytes()
			w.mixHash(y)
			w.dh(e, x) // ee
			msg = w.hide(y)
			ciphertext, secret, err := w.scheme.Encapsulate(encap)
			if err != nil {
				t.Fatal(err)
			}
			msg = append(msg, w.seal(0, ciphertext)...)
			w.mixKey(secret)
			options = append([]byte{0, 0, byte(padding >> 8), byte(padding), 0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(now.Unix()))...)
			msg = append(msg, w.seal(0, append(options, 0, 0, 0, 0))...)
			if padding > 0 {
				pad := randomBytes(padding)
				msg = append(msg, pad...)
				w.mixHash(pad)
			}
			if _, err := feedCreated(i, msg, now); err != nil {
				t.Fatalf("%v: SessionCreated: %v", p, err)
			}

			if msg, err = i.sessionConfirmed(); err != nil {
				t.Fatal(err)
			}
			if len(msg) != 48+confirmed2 {
				t.Fatalf("SessionConfirmed of %d bytes", len(msg))
			}
			static := w.open(1, msg[:48])
			public := alice.Public()
			if !bytes.Equal(static, public[:]) {
				t.Fatal("another static key")
			}
			w.dh(e, static) // se
			if payload := w.open(0, msg[48:]); !bytes.Contains(payload, ri.Bytes()) {
				t.Fatal("another RouterInfo")
			}
			w.compare(i.keys())
		}
	}
}
