package layer_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"testing"

	"clove.i2p/router/crypto/layer"
)

// The digest of what OpenSSL 3 (by pyca/cryptography) makes of the message 0, 1 ... 250, 0, 1 ... with the layer key
// 00..1f and the IV key 20..3f.
func TestEncryptAgreesWithOpenSSL(t *testing.T) {
	var k [64]byte
	for i := range k {
		k[i] = byte(i)
	}
	msg := make([]byte, layer.MessageLen)
	for i := range msg {
		msg[i] = byte(i % 251)
	}
	want := bytes.Clone(msg)
	c := layer.New([32]byte(k[:32]), [32]byte(k[32:]))
	c.Encrypt(msg)
	if got := fmt.Sprintf("%x", sha256.Sum256(msg)); got != "330fba76f1859f479f25e876670b1f9c39b0b410eb7e47a5bf9f0c613cfd1182" {
		t.Fatalf("digest %s", got)
	}
	c.Decrypt(msg)
	if !bytes.Equal(msg, want) {
		t.Fatal("does not come back")
	}
}

func TestLayersOfThreeHopsComeOff(t *testing.T) {
	var hops [3]*layer.Cipher
	for i := range hops {
		var k [64]byte
		rand.Read(k[:])
		hops[i] = layer.New([32]byte(k[:32]), [32]byte(k[32:]))
	}
	msg := make([]byte, layer.MessageLen)
	rand.Read(msg)
	want := append([]byte(nil), msg...)
	for i := len(hops) - 1; i >= 0; i-- {
		hops[i].Decrypt(msg)
	}
	for _, h := range hops {
		h.Encrypt(msg)
	}
	if !bytes.Equal(msg, want) {
		t.Fatal("message changed")
	}
}

func TestBatchIsEncryptOfEach(t *testing.T) {
	for n := range 10 {
		var jobs []layer.Job
		var want [][]byte
		for i := range n {
			var k [64]byte
			rand.Read(k[:])
			one, batch := layer.New([32]byte(k[:32]), [32]byte(k[32:])), layer.New([32]byte(k[:32]), [32]byte(k[32:]))
			for range 1 + i%2 { // now and then two messages of one tunnel
				msg := make([]byte, layer.MessageLen)
				rand.Read(msg)
				jobs = append(jobs, layer.Job{Cipher: batch, Msg: bytes.Clone(msg)})
				one.Encrypt(msg)
				want = append(want, msg)
			}
		}
		layer.EncryptBatch(jobs)
		for i := range jobs {
			if !bytes.Equal(jobs[i].Msg, want[i]) {
				t.Fatalf("batch of %d: message %d differs", n, i)
			}
		}
	}
}

func FuzzAgreesWithCBC(f *testing.F) {
	f.Add(make([]byte, 64), make([]byte, layer.MessageLen))
	f.Fuzz(func(t *testing.T, k, msg []byte) {
		if len(k) != 64 || len(msg) != layer.MessageLen {
			return
		}
		data, _ := aes.NewCipher(k[:32])
		iv, _ := aes.NewCipher(k[32:])
		want := append([]byte(nil), msg...)
		iv.Encrypt(want[:16], want[:16])
		cipher.NewCBCEncrypter(data, want[:16]).CryptBlocks(want[16:], want[16:])
		iv.Encrypt(want[:16], want[:16])
		c := layer.New([32]byte(k[:32]), [32]byte(k[32:]))
		got := append([]byte(nil), msg...)
		c.Encrypt(got)
		if !bytes.Equal(got, want) {
			t.Fatal("differs from the standard library")
		}
		c.Decrypt(got)
		if !bytes.Equal(got, msg) {
			t.Fatal("does not come back")
		}
	})
}

func TestCipherDoesNotAllocate(t *testing.T) {
	c := layer.New([32]byte{1}, [32]byte{2})
	msg := make([]byte, layer.MessageLen)
	jobs := []layer.Job{{c, msg}}
	if n := testing.AllocsPerRun(100, func() {
		c.Encrypt(msg)
		c.Decrypt(msg)
		layer.EncryptBatch(jobs)
	}); n > 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkEncrypt(b *testing.B) {
	c := layer.New([32]byte{1}, [32]byte{2})
	msg := make([]byte, layer.MessageLen)
	b.SetBytes(layer.MessageLen)
	b.ReportAllocs()
	for b.Loop() {
		c.Encrypt(msg)
	}
}

func BenchmarkEncryptBatch(b *testing.B) {
	var jobs []layer.Job
	for i := range 16 {
		jobs = append(jobs, layer.Job{Cipher: layer.New([32]byte{byte(i)}, [32]byte{2}), Msg: make([]byte, layer.MessageLen)})
	}
	b.SetBytes(int64(len(jobs)) * layer.MessageLen)
	b.ReportAllocs()
	for b.Loop() {
		layer.EncryptBatch(jobs)
	}
}

func BenchmarkDecrypt(b *testing.B) {
	c := layer.New([32]byte{1}, [32]byte{2})
	msg := make([]byte, layer.MessageLen)
	b.SetBytes(layer.MessageLen)
	b.ReportAllocs()
	for b.Loop() {
		c.Decrypt(msg)
	}
}
