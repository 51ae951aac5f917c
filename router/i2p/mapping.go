package i2p

import (
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// A Mapping is a set of key=value strings (Common Structures, Mapping). The zero value is empty. It is immutable.
//
//	size 2 | key length 1, key | '=' | value length 1, value | ';' | ...
//
// A Mapping that was parsed keeps its bytes, whatever their order: they are part of what was signed. One that
// NewMapping made is sorted.
type Mapping struct {
	raw   string // wire form with its size; empty for an empty Mapping
	pairs []pair // sorted by key
}

type pair struct{ key, value string }

// NewMapping makes a sorted Mapping. Keys and values have at most 255 bytes, the whole 65,535.
func NewMapping(m map[string]string) (Mapping, error) {
	if len(m) == 0 {
		return Mapping{}, nil
	}
	if len(m) > maxMappingEntries {
		return Mapping{}, fmt.Errorf("i2p: mapping: %w: %d entries", ErrTooLarge, len(m))
	}
	b := make([]byte, 2, 512)
	var pairs []pair
	for _, key := range slices.Sorted(maps.Keys(m)) {
		value := m[key]
		if len(key) == 0 || len(key) > maxStringLen || len(value) > maxStringLen {
			return Mapping{}, fmt.Errorf("i2p: mapping: %w: entry %.40q", ErrTooLarge, key)
		}
		b = append(append(b, byte(len(key))), key...)
		b = append(append(b, '=', byte(len(value))), value...)
		b = append(b, ';')
		pairs = append(pairs, pair{key, value})
	}
	if len(b)-2 > 0xffff {
		return Mapping{}, fmt.Errorf("i2p: mapping: %w: %d bytes", ErrTooLarge, len(b)-2)
	}
	binary.BigEndian.PutUint16(b, uint16(len(b)-2))
	return Mapping{raw: string(b), pairs: pairs}, nil
}

// ParseMapping reads a Mapping. A key that occurs twice, or is empty, is ErrMalformed; the order is not checked, as
// the bytes stay as they are.
func ParseMapping(b []byte) (m Mapping, rest []byte, err error) {
	if m, rest, err = parseMapping(b); err != nil {
		return Mapping{}, nil, fmt.Errorf("i2p: mapping: %w", err)
	}
	return m, rest, nil
}

func parseMapping(b []byte) (m Mapping, rest []byte, err error) {
	if len(b) < 2 {
		return Mapping{}, nil, ErrTruncated
	}
	size := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+size {
		return Mapping{}, nil, ErrTruncated
	}
	rest = b[2+size:]
	if size == 0 {
		return Mapping{}, rest, nil
	}
	m.raw = string(b[:2+size])
	for s := m.raw[2:]; s != ""; {
		var p pair
		if p.key, s, err = cutString(s, '='); err != nil {
			return Mapping{}, nil, err
		}
		if p.value, s, err = cutString(s, ';'); err != nil {
			return Mapping{}, nil, err
		}
		if p.key == "" {
			return Mapping{}, nil, fmt.Errorf("%w: empty key", ErrMalformed)
		}
		if len(m.pairs) == maxMappingEntries {
			return Mapping{}, nil, fmt.Errorf("%w: more than %d entries", ErrTooLarge, maxMappingEntries)
		}
		m.pairs = append(m.pairs, p)
	}
	byKey := func(a, b pair) int { return strings.Compare(a.key, b.key) }
	if !slices.IsSortedFunc(m.pairs, byKey) {
		slices.SortFunc(m.pairs, byKey)
	}
	for i := 1; i < len(m.pairs); i++ {
		if m.pairs[i].key == m.pairs[i-1].key {
			return Mapping{}, nil, fmt.Errorf("%w: key %.40q twice", ErrMalformed, m.pairs[i].key)
		}
	}
	return m, rest, nil
}

// cutString takes a String and the character that must follow it.
func cutString(s string, end byte) (value, rest string, err error) {
	if s == "" {
		return "", "", fmt.Errorf("%w: ends within an entry", ErrMalformed)
	}
	n := int(s[0])
	if len(s) < n+2 || s[n+1] != end {
		return "", "", fmt.Errorf("%w: no %q after a string", ErrMalformed, end)
	}
	return s[1 : n+1], s[n+2:], nil
}

// Append appends the wire form: what was parsed, or sorted by key.
func (m Mapping) Append(b []byte) []byte {
	if m.raw == "" {
		return append(b, 0, 0)
	}
	return append(b, m.raw...)
}

// Get returns the value of key, or the empty string.
func (m Mapping) Get(key string) string {
	v, _ := m.Lookup(key)
	return v
}

// Lookup returns the value of key and whether there is one.
func (m Mapping) Lookup(key string) (string, bool) {
	i, ok := slices.BinarySearchFunc(m.pairs, key, func(p pair, key string) int { return strings.Compare(p.key, key) })
	if !ok {
		return "", false
	}
	return m.pairs[i].value, true
}

// Len is the number of entries.
func (m Mapping) Len() int { return len(m.pairs) }

// All yields the entries in the order of their keys.
func (m Mapping) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, p := range m.pairs {
			if !yield(p.key, p.value) {
				return
			}
		}
	}
}
