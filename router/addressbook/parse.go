package addressbook

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"clove.i2p/router/i2p"
	"clove.i2p/router/naming"
)

// A LineError is a line of a hosts.txt that cannot be used.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

var errLineTooLong = fmt.Errorf("more than %d bytes", maxLineLen)

// Parse reads a hosts.txt: the destinations by name, and what is wrong with the lines that were skipped. The error is
// that of r, or a file that is too large; then the names read so far are returned too.
func Parse(r io.Reader) (hosts map[string]*i2p.Destination, bad []*LineError, err error) {
	hosts = make(map[string]*i2p.Destination)
	in := bufio.NewReaderSize(io.LimitReader(r, maxFileLen+1), maxLineLen)
	total := 0
	for n := 1; ; n++ {
		line, size, err := readLine(in)
		if total += size; total > maxFileLen {
			return hosts, bad, fmt.Errorf("addressbook: more than %d bytes", maxFileLen)
		}
		if err != nil && !errors.Is(err, errLineTooLong) {
			if errors.Is(err, io.EOF) {
				return hosts, bad, nil
			}
			return hosts, bad, fmt.Errorf("addressbook: %w", err)
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if err == nil {
			err = addLine(hosts, string(line))
		}
		if err != nil {
			bad = append(bad, &LineError{Line: n, Err: err})
		}
	}
}

// readLine reads a line without its end; one that does not fit is skipped and errLineTooLong. size counts all bytes.
func readLine(in *bufio.Reader) (line []byte, size int, err error) {
	line, err = in.ReadSlice('\n')
	size = len(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		var more []byte
		more, err = in.ReadSlice('\n')
		size += len(more)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, size, errLineTooLong
		}
	}
	if errors.Is(err, io.EOF) && size > 0 {
		err = nil // the last line has no end
	}
	return bytes.TrimRight(line, "\r\n"), size, err
}

// addLine adds the entry of a line.
func addLine(hosts map[string]*i2p.Destination, line string) error {
	line, _, _ = strings.Cut(line, "#") // comments and properties; no name or destination has the character
	line = strings.TrimSpace(line)
	if line == "" {
		return nil
	}
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		return errors.New("want name.i2p=destination")
	}
	name, err := naming.Normalize(strings.TrimSpace(key))
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, ".b32.i2p") {
		return fmt.Errorf("%s: .b32.i2p names are computed, not listed", name)
	}
	if _, taken := hosts[name]; taken {
		return fmt.Errorf("%s is listed before, that line holds", name)
	}
	d, err := i2p.ParseDestinationBase64(strings.TrimSpace(value))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	hosts[name] = d
	return nil
}
