package gate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// A journal is a file of changes:
//
//	"CLVS" 1 0 0 0            8 bytes
//	and for each change
//	checksum                  4 bytes, big endian: CRC-32 (Castagnoli) of what follows
//	deleted                   1 byte: 0 or 1
//	length of key             2 bytes: up to 256
//	length of value           4 bytes: up to 64 KiB
//	key, value
//
// A crash can leave half a change at the end: it was never acknowledged, and is cut off.
type journal struct {
	path string
	file *os.File
	size int64
}

type change struct {
	key     string
	value   []byte
	deleted bool
}

const (
	journalMagic = "CLVS\x01\x00\x00\x00"
	changeHeader = 11
)

// maxJournal is what openJournal reads at the most: it is rewritten at a third of this.
const maxJournal = 16 << 20

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errChange  = errors.New("gate: damaged change in a store")
)

// append appends the bytes of c.
func (c change) append(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0)
	if c.deleted {
		b[start+4] = 1
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.key)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.value)))
	b = append(b, c.key...)
	b = append(b, c.value...)
	binary.BigEndian.PutUint32(b[start:], crc32.Checksum(b[start+4:], castagnoli))
	return b
}

// parseChange reads one change. Its value is a copy.
func parseChange(b []byte) (c change, rest []byte, err error) {
	if len(b) < changeHeader {
		return change{}, b, errChange
	}
	k, v := int(binary.BigEndian.Uint16(b[5:])), int(binary.BigEndian.Uint32(b[7:]))
	if k == 0 || k > maxKey || v > maxValue || b[4] > 1 || len(b) < changeHeader+k+v {
		return change{}, b, errChange
	}
	end := changeHeader + k + v
	if crc32.Checksum(b[4:end], castagnoli) != binary.BigEndian.Uint32(b) {
		return change{}, b, errChange
	}
	c = change{key: string(b[changeHeader : changeHeader+k]), value: bytes.Clone(b[changeHeader+k : end]), deleted: b[4] == 1}
	return c, b[end:], nil
}

// openJournal reads the file, or makes it, and passes its changes to apply. lost is how many bytes at its end were cut off.
func openJournal(path string, apply func(change)) (j *journal, lost int, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		j = &journal{path: path}
		return j, 0, j.rewrite(nil)
	case err != nil:
		return nil, 0, err
	case info.Size() > maxJournal:
		return nil, 0, fmt.Errorf("%s has %d bytes, which no store has: remove the file", path, info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	rest, ok := bytes.CutPrefix(b, []byte(journalMagic))
	if !ok {
		return nil, 0, fmt.Errorf("%s is no store of this version: remove the file", path)
	}
	for len(rest) > 0 {
		var c change
		if c, rest, err = parseChange(rest); err != nil {
			break
		}
		apply(c)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, 0, err
	}
	j = &journal{path: path, file: f, size: int64(len(b) - len(rest))}
	if err := j.cut(); err != nil {
		j.close()
		return nil, 0, err
	}
	return j, len(rest), nil
}

// cut removes what lies behind the last good change.
func (j *journal) cut() error { return j.file.Truncate(j.size) }

// append writes a change, to the disk.
func (j *journal) append(c change) error {
	b := c.append(nil)
	if _, err := j.file.WriteAt(b, j.size); err != nil {
		_ = j.cut()
		return err
	}
	if err := j.file.Sync(); err != nil {
		_ = j.cut()
		return err
	}
	j.size += int64(len(b))
	return nil
}

// rewrite replaces the file by one with these changes only. A crash leaves either the old or the new one.
func (j *journal) rewrite(changes []change) error {
	b := []byte(journalMagic)
	for _, c := range changes {
		b = c.append(b)
	}
	f, err := os.CreateTemp(filepath.Dir(j.path), ".store-*")
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return err
	}
	j.close()
	j.file, j.size = f, int64(len(b))
	return syncFolder(filepath.Dir(j.path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (j *journal) close() {
	if j.file != nil {
		_ = j.file.Close()
	}
}
