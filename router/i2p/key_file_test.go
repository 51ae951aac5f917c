package i2p_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

func TestKeyFilesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "site.dat")
	made, err := i2p.LoadOrCreateDestinationKeys(path, keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := i2p.LoadOrCreateDestinationKeys(path, keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	if string(again.Append(nil)) != string(made.Append(nil)) || again.Encryption.Public() != made.Encryption.Public() {
		t.Error("other keys after a restart")
	}
	router := filepath.Join(dir, "router.keys")
	first, err := i2p.LoadOrCreateRouterKeys(router)
	if err != nil {
		t.Fatal(err)
	}
	second, err := i2p.LoadRouterKeys(router)
	if err != nil || first.Identity.Hash() != second.Identity.Hash() {
		t.Errorf("router keys: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("left behind: %v", files)
	}
}

func TestDamagedKeyFileIsNotReplaced(t *testing.T) {
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	good := k.Append(nil)
	other, _ := i2p.NewDestinationKeys(keys.SigEd25519)
	foreign := append(good[:len(good)-32:len(good)-32], other.Signing.Bytes()...)
	for name, content := range map[string][]byte{
		"empty": {}, "short": good[:600], "long": append(good[:len(good):len(good)], 0), "huge": make([]byte, 10000),
		"foreign signing key": foreign, "offline": append(good[:len(good)-32:len(good)-32], make([]byte, 32)...),
	} {
		path := filepath.Join(t.TempDir(), "damaged.dat")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := i2p.LoadOrCreateDestinationKeys(path, keys.SigEd25519)
		if !errors.Is(err, i2p.ErrKeyFile) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%s: %v", name, err)
		}
		if err := i2p.SaveDestinationKeys(path, k); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: saved over it: %v", name, err)
		}
		if now, _ := os.ReadFile(path); string(now) != string(content) {
			t.Errorf("%s: the file changed", name)
		}
	}
	if _, err := i2p.LoadDestinationKeys(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// A key file of another router may hold an unused encryption key that anybody can guess.
func TestUnusedEncryptionKeyIsNotTakenAsX25519Key(t *testing.T) {
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	b := k.Append(nil)
	clear(b[391 : 391+227])
	one, _, err := i2p.ParseDestinationKeys(b)
	if err != nil {
		t.Fatal(err)
	}
	two, _, _ := i2p.ParseDestinationKeys(b)
	if one.Encryption.Public() == two.Encryption.Public() {
		t.Error("a key of zeros is in use")
	}
}

func TestKeysOfPartsHaveTheFormOfAFile(t *testing.T) {
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	parts := i2p.DestinationKeys{Destination: k.Destination, Encryption: k.Encryption, Signing: k.Signing}
	again, rest, err := i2p.ParseDestinationKeys(parts.Append(nil))
	if err != nil || len(rest) != 0 || again.Encryption.Public() != k.Encryption.Public() {
		t.Errorf("%v, %d bytes more", err, len(rest))
	}
}
