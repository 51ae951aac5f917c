package addressbook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"clove.i2p/router/i2p"
	"clove.i2p/router/naming"
)

// What Add can refuse.
var (
	// ErrTaken: the book lists another destination for the name.
	ErrTaken = errors.New("the address book has another destination for this name")
	// ErrNoFile: the book was opened without a path.
	ErrNoFile = errors.New("there is no address book file to save in")
	// ErrFull: the file would become larger than a book may be.
	ErrFull = fmt.Errorf("the address book file would be larger than %d bytes", maxFileLen)
	// ErrBusy: other programs changed the file each time that it was about to be replaced.
	ErrBusy = errors.New("the address book file is being changed by another program; try again")
)

// Add appends a name to the file, which it creates if need be, and to the book. A name that leads to this destination
// already is no error.
//
// The file is replaced as a whole, so that a crash leaves the old one or the new one; what it holds, lines that mean nothing
// here included, stays byte for byte. It is readable by its owner only from then on. A symbolic link stays one.
//
// Errors: naming.ErrInvalidHost, ErrTaken, ErrNoFile, ErrFull, ErrBusy, those of files.
func (b *Book) Add(name string, d *i2p.Destination) error {
	name, err := naming.Normalize(name)
	switch {
	case err != nil:
		return err
	case strings.HasSuffix(name, ".b32.i2p"):
		return fmt.Errorf("addressbook: %w: .b32.i2p names are computed, not listed", naming.ErrInvalidHost)
	case b.path == "":
		return fmt.Errorf("addressbook: %w", ErrNoFile)
	}
	b.file.Lock()
	defer b.file.Unlock()
	for range maxAttempts {
		done, err := b.add(name, d)
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("addressbook: %w", ErrBusy)
}

// add is one attempt. It reports false if the file has changed meanwhile.
func (b *Book) add(name string, d *i2p.Destination) (done bool, err error) {
	path, err := target(b.path)
	if err != nil {
		return false, err
	}
	before, err := b.version()
	if err != nil {
		return false, err
	}
	old, err := readBounded(path)
	if err != nil {
		return false, err
	}
	text, err := insert(old, name, d)
	if err != nil {
		return false, err
	}
	if text == nil {
		return true, b.read(before)
	}
	unchanged := func() bool {
		now, err := b.version()
		return err == nil && now == before
	}
	done, err = replace(path, text, unchanged)
	if !done || err != nil {
		return false, err
	}
	now, err := b.version()
	if err != nil {
		return false, err
	}
	return true, b.read(now)
}

// insert returns text with one more line, or nil if it lists the name with this destination already.
func insert(text []byte, name string, d *i2p.Destination) ([]byte, error) {
	hosts, _, err := Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if have, taken := hosts[name]; taken {
		if have.Hash() != d.Hash() {
			return nil, fmt.Errorf("addressbook: %w", ErrTaken)
		}
		return nil, nil
	}
	if text = appendLine(text, name+"="+d.Base64()); len(text) > maxFileLen {
		return nil, fmt.Errorf("addressbook: %w", ErrFull)
	}
	return text, nil
}

// appendLine keeps text as it is, but for a last line without an end, which gets one.
func appendLine(text []byte, line string) []byte {
	out := make([]byte, 0, len(text)+len(line)+3)
	out = append(out, text...)
	end := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		end = "\r\n"
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, end...)
	}
	return append(append(out, line...), end...)
}

// target follows symbolic links, so that the file is replaced and not the link.
func target(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", fmt.Errorf("addressbook: %w", err)
	}
	return real, nil
}

// readBounded gives nothing for a file that does not exist.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("addressbook: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFileLen+1))
	if err != nil {
		return nil, fmt.Errorf("addressbook: %w", err)
	}
	if len(b) > maxFileLen {
		return nil, fmt.Errorf("addressbook: %w", ErrFull)
	}
	return b, nil
}

// replace writes a file beside path, on the disk before it takes its place. It gives up, without an error, if ok does not
// hold at the last moment.
func replace(path string, text []byte, ok func() bool) (done bool, err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return false, fmt.Errorf("addressbook: %w", err)
	}
	defer func() {
		if !done {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return false, fmt.Errorf("addressbook: %w", err)
	}
	if !ok() {
		return false, nil
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return false, fmt.Errorf("addressbook: %w", err)
	}
	syncFolder(folder)
	return true, nil
}

// syncFolder makes a rename last; not every file system can.
func syncFolder(folder string) {
	d, err := os.Open(folder)
	if err != nil {
		return
	}
	_ = d.Sync()
	_ = d.Close()
}
