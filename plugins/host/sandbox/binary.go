package sandbox

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Binary is an executable file, opened once, checked and hashed.
type Binary struct {
	Path   string // absolute
	SHA256 string // hexadecimal
	size   int64
	file   *os.File
	// system: the program needs a loader, libraries or an interpreter of the system.
	system bool
}

// Open refuses, with ErrUnsafe and a text that says what to do: what is not a regular executable file, a symlink, a file or folder
// that group or others can write, and an owner other than root and us.
func Open(path string) (*Binary, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f, err := openChecked(path)
	if err != nil {
		return nil, err
	}
	b := &Binary{Path: path, file: f}
	if err := b.read(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

func (b *Binary) read() error {
	st, err := b.file.Stat()
	if err != nil {
		return err
	}
	b.size = st.Size()
	switch {
	case !st.Mode().IsRegular():
		return fmt.Errorf("%w: it is no regular file", ErrUnsafe)
	case st.Mode()&0o111 == 0:
		return fmt.Errorf("%w: it is not executable; chmod 755 %s", ErrUnsafe, b.Path)
	case b.size > maxBinary:
		return fmt.Errorf("%w: it has %d bytes, more than %d", ErrUnsafe, b.size, int64(maxBinary))
	}
	h := sha256.New()
	if err := b.copyTo(h); err != nil {
		return err
	}
	b.SHA256 = hex.EncodeToString(h.Sum(nil))
	b.system = needsSystem(io.NewSectionReader(b.file, 0, b.size))
	return nil
}

// copyTo writes the content, as long as it was when the file was opened.
func (b *Binary) copyTo(w io.Writer) error {
	n, err := io.Copy(w, io.NewSectionReader(b.file, 0, b.size))
	if err == nil && n != b.size {
		err = ErrChanged
	}
	return err
}

// Close closes the file. Processes that were started with it go on.
func (b *Binary) Close() error { return b.file.Close() }

// needsSystem is false for a program that is linked statically: it gets no folders of the system at all.
func needsSystem(r io.ReaderAt) bool {
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil || !bytes.Equal(magic[:], []byte(elf.ELFMAG)) {
		return true
	}
	f, err := elf.NewFile(r)
	if err != nil {
		return true
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}
