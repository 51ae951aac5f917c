package addressbook

import (
	"bytes"
	"errors"
	"testing"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/naming"
)

// FuzzInsert: whatever a file holds stays as it is, and a valid name is in it afterwards, or was before.
func FuzzInsert(f *testing.F) {
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		f.Fatal(err)
	}
	d := k.Destination
	f.Add([]byte("# x\r\na.i2p="+d.Base64()+"#!a=b\n"), "b.i2p")
	f.Add([]byte("a.i2p="+d.Base64()), "A.i2p")
	f.Add([]byte("\xff\n=\n"), "x=\n.i2p")
	f.Add([]byte("\ufeff"), "x.i2p")
	f.Fuzz(func(t *testing.T, before []byte, name string) {
		name, err := naming.Normalize(name)
		if err != nil {
			t.Skip()
		}
		after, err := insert(before, name, d)
		if errors.Is(err, ErrTaken) {
			if hosts, _, _ := Parse(bytes.NewReader(before)); hosts[name] == nil || hosts[name].Hash() == d.Hash() {
				t.Fatal(err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if after == nil {
			after = before
		}
		hosts, _, err := Parse(bytes.NewReader(after))
		if got := hosts[name]; err != nil || got == nil && !isBase32(name) || got != nil && got.Hash() != d.Hash() {
			t.Fatalf("%q is not in the book: %v", name, err)
		}
		if !bytes.HasPrefix(after, before) {
			t.Fatal("what was there has changed")
		}
	})
}

func isBase32(name string) bool { return len(name) > 8 && name[len(name)-8:] == ".b32.i2p" }
