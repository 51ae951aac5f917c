//go:build !purego

package layer

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// FIPS 197, appendix A.3: the last round key.
func TestExpandAgreesWithFIPS197(t *testing.T) {
	if !fast {
		t.Skip("no AES instructions")
	}
	key, err := hex.DecodeString("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
	if err != nil {
		t.Fatal(err)
	}
	s := expand((*[keyLen]byte)(key))
	if got := hex.EncodeToString(s[rounds*16:]); got != "fe4890d1e6188d0b046df344706c631e" {
		t.Fatalf("last round key %s", got)
	}
}

// FuzzFastAgreesWithStandardLibrary takes messages of any number of blocks, alone and in fours.
func FuzzFastAgreesWithStandardLibrary(f *testing.F) {
	if !fast {
		f.Skip("no AES instructions")
	}
	for _, n := range []int{16, 32, 128, 144, 160, MessageLen, MessageLen + 16} {
		f.Add(bytes.Repeat([]byte{byte(n)}, 64), bytes.Repeat([]byte{1}, n))
	}
	f.Fuzz(func(t *testing.T, k, msg []byte) {
		if len(k) < 64 || len(msg) < IVLen || len(msg)%16 != 0 {
			return
		}
		var jobs [lanes]Job
		var want [lanes][]byte
		for i := range jobs {
			k[0] = byte(i)
			c := New([keyLen]byte(k[:32]), [keyLen]byte(k[32:]))
			m := bytes.Clone(msg)
			m[len(m)-1] ^= byte(i)
			want[i] = bytes.Clone(m)
			c.std.encrypt(c, want[i])
			one := bytes.Clone(m)
			c.fast.encrypt(c, one)
			if !bytes.Equal(one, want[i]) {
				t.Fatal("encrypt differs")
			}
			c.fast.decrypt(c, one)
			if !bytes.Equal(one, m) {
				t.Fatal("decrypt differs")
			}
			jobs[i] = Job{c, m}
		}
		if !encryptLanes(&jobs) {
			t.Fatal("refused messages of one length")
		}
		for i := range jobs {
			if !bytes.Equal(jobs[i].Msg, want[i]) {
				t.Fatalf("lane %d differs", i)
			}
		}
	})
}

func TestBatchOfDifferentLengths(t *testing.T) {
	var jobs []Job
	var want [][]byte
	for i, n := range []int{1024, 1024, 16, 1024, 32, 1024, 1024, 1024, 1024} {
		c := New([keyLen]byte{byte(i)}, [keyLen]byte{9})
		m := bytes.Repeat([]byte{byte(i)}, n)
		w := bytes.Clone(m)
		c.std.encrypt(c, w)
		jobs, want = append(jobs, Job{c, m}), append(want, w)
	}
	EncryptBatch(jobs)
	for i := range jobs {
		if !bytes.Equal(jobs[i].Msg, want[i]) {
			t.Errorf("message %d differs", i)
		}
	}
}

func TestPartBlocksPanic(t *testing.T) {
	for _, n := range []int{0, 15, 17, 1023} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d bytes accepted", n)
				}
			}()
			New([keyLen]byte{}, [keyLen]byte{}).Encrypt(make([]byte, n))
		}()
	}
}
