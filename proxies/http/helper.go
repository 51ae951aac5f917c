package http

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/url"
	"strings"

	"clove.i2p/proxies"
)

// helperKey is the query parameter that carries an address: http://NAME.i2p/?i2paddresshelper=ADDRESS.
const helperKey = "i2paddresshelper"

var (
	// errHelper: the parameter is not an address.
	errHelper = errors.New("http: malformed address helper")
	// errHelperName: it is a name that no address book lists.
	errHelperName = errors.New("http: address helper with an unknown name")
)

// takeHelper finds the address helper of a query and takes it out. The rest stays as it was. Parameters are separated by & and
// by ;.
func takeHelper(query string) (value, rest string, found bool, err error) {
	if !strings.Contains(strings.ToLower(query), "helper") && !strings.Contains(query, "%") {
		return "", query, false, nil
	}
	var kept strings.Builder
	before := "" // the separator in front of a piece
	for any := false; ; {
		piece, more := query, false
		next := ""
		if i := strings.IndexAny(query, "&;"); i >= 0 {
			piece, next, query, more = query[:i], query[i:i+1], query[i+1:], true
		}
		key, raw, _ := strings.Cut(piece, "=")
		if name, bad := url.QueryUnescape(key); bad == nil && name == helperKey {
			v, bad := url.QueryUnescape(raw)
			if bad != nil || v == "" || len(raw) > maxHelper || found && v != value {
				return "", "", true, errHelper
			}
			value, found = v, true
		} else {
			if any {
				kept.WriteString(before)
			}
			kept.WriteString(piece)
			any = true
		}
		if !more {
			return value, kept.String(), found, nil
		}
		before = next
	}
}

// address is what a helper leads to. The destination is empty if only its hash is known.
type address struct{ b32, destination string }

// readAddress understands a destination in base64, a .b32.i2p name, and a name that the book lists.
func readAddress(book Book, value string) (address, error) {
	host, err := proxies.ParseHost(value)
	switch {
	case err != nil:
		return address{}, errHelper
	case proxies.IsBase32(host):
		return address{b32: host}, nil
	case isName(host):
		destination, found := book.Lookup(host)
		if !found {
			return address{}, errHelperName
		}
		return newAddress(destination)
	case host == proxies.SelfHost:
		return address{}, errHelper
	}
	return newAddress(host)
}

// newAddress takes a destination in base64, and computes its .b32.i2p name (Naming and Address Book, Base 32 Names).
func newAddress(destination string) (address, error) {
	b, err := decodeDestination(destination)
	if err != nil {
		return address{}, err
	}
	sum := sha256.Sum256(b)
	name := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
	return address{b32: name + ".b32.i2p", destination: destination}, nil
}

// destinationBase64 is I2P's alphabet. Padding is optional.
var destinationBase64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~").WithPadding(base64.NoPadding)

// decodeDestination checks that there is one whole destination and nothing after it: 384 bytes of keys and a certificate, which
// is 1 byte of type, 2 of length, and that many more (Common Structures).
func decodeDestination(s string) ([]byte, error) {
	const keys, header = 384, 3
	b, err := destinationBase64.DecodeString(strings.TrimRight(s, "="))
	if err != nil || len(b) < keys+header || len(b) != keys+header+int(binary.BigEndian.Uint16(b[keys+1:])) {
		return nil, errHelper
	}
	return b, nil
}
