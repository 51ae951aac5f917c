package http

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"clove.i2p/proxies"
)

// digest is a Proxy-Authorization of the scheme Digest, RFC 7616, section 3.4.
type digest struct {
	user, realm, nonce, uri string
	algorithm               proxies.Algorithm
	response                string // hex
	cnonce, qop, opaque     string
	nc                      uint32
}

var errDigest = errors.New("http: malformed Digest credentials")

// parseDigest reads what follows "Digest ". Only qop=auth is accepted: without it nothing tells a replay.
func parseDigest(s string) (*digest, error) {
	if len(s) > maxCredentials {
		return nil, errDigest
	}
	params, err := parseParams(s)
	if err != nil {
		return nil, err
	}
	d := &digest{
		user: params["username"], realm: params["realm"], nonce: params["nonce"], uri: params["uri"],
		algorithm: proxies.MD5, response: strings.ToLower(params["response"]),
		cnonce: params["cnonce"], qop: params["qop"], opaque: params["opaque"],
	}
	if extended, ok := params["username*"]; ok {
		if _, both := params["username"]; both {
			return nil, errDigest
		}
		if d.user, err = parseExtended(extended); err != nil {
			return nil, err
		}
	}
	if a, ok := params["algorithm"]; ok {
		switch {
		case strings.EqualFold(a, string(proxies.SHA256)):
			d.algorithm = proxies.SHA256
		case strings.EqualFold(a, string(proxies.MD5)):
		default:
			return nil, errDigest // -sess variants are never asked for
		}
	}
	nc, err := strconv.ParseUint(params["nc"], 16, 32)
	if err != nil || len(params["nc"]) != 8 || nc == 0 {
		return nil, errDigest
	}
	d.nc = uint32(nc)
	switch {
	case d.qop != "auth", d.user == "", d.nonce == "", d.uri == "", d.cnonce == "", strings.EqualFold(params["userhash"], "true"):
		return nil, errDigest
	}
	if _, err := hex.DecodeString(d.response); err != nil || len(d.response) != 2*d.hash().Size() {
		return nil, errDigest
	}
	return d, nil
}

// parseParams reads a list of name=token and name="quoted string". No name may occur twice.
func parseParams(s string) (map[string]string, error) {
	params := make(map[string]string, 12)
	for s = strings.Trim(s, " \t,"); s != ""; s = strings.TrimLeft(s, " \t,") {
		name, rest, ok := strings.Cut(s, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" || strings.ContainsAny(name, " \t,\"") {
			return nil, errDigest
		}
		if _, twice := params[name]; twice || len(params) == maxParams {
			return nil, errDigest
		}
		var value string
		var err error
		if rest = strings.TrimLeft(rest, " \t"); strings.HasPrefix(rest, `"`) {
			value, rest, err = unquote(rest[1:])
		} else {
			i := strings.IndexAny(rest, ", \t")
			if i < 0 {
				i = len(rest)
			}
			value, rest = rest[:i], rest[i:]
		}
		if err != nil {
			return nil, err
		}
		if s = strings.TrimLeft(rest, " \t"); s != "" && s[0] != ',' {
			return nil, errDigest
		}
		params[name] = value
	}
	return params, nil
}

// unquote reads up to the closing quote.
func unquote(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], nil
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errDigest
}

// parseExtended reads RFC 8187's UTF-8'language'percent-encoded.
func parseExtended(s string) (string, error) {
	parts := strings.SplitN(s, "'", 3)
	if len(parts) != 3 || !strings.EqualFold(parts[0], "UTF-8") {
		return "", errDigest
	}
	user, err := url.PathUnescape(parts[2])
	if err != nil || !utf8.ValidString(user) {
		return "", errDigest
	}
	return user, nil
}

func (d *digest) hash() hash.Hash {
	if d.algorithm == proxies.SHA256 {
		return sha256.New()
	}
	return md5.New()
}

// fits tells whether the response is that of a user with this H(user:realm:password).
func (d *digest) fits(ha1, method string) bool {
	sum := func(s string) string {
		h := d.hash()
		_, _ = h.Write([]byte(s))
		return hex.EncodeToString(h.Sum(nil))
	}
	nc := strconv.FormatUint(uint64(d.nc)|1<<32, 16)[1:] // 8 digits
	want := sum(strings.ToLower(ha1) + ":" + d.nonce + ":" + nc + ":" + d.cnonce + ":" + d.qop + ":" + sum(method+":"+d.uri))
	return subtle.ConstantTimeCompare([]byte(want), []byte(d.response)) == 1
}

// isFor tells whether the credentials were made for this request: browsers and curl hash the path, RFC 9112 calls the
// whole address the request target, and CONNECT has host:port.
func (d *digest) isFor(requestTarget string) bool {
	if d.uri == requestTarget {
		return true
	}
	_, rest, absolute := strings.Cut(requestTarget, "://")
	if !absolute {
		return false
	}
	i := strings.IndexAny(rest, "/?")
	if i < 0 {
		return d.uri == "/"
	}
	if rest[i] == '?' {
		return d.uri == "/"+rest[i:] || d.uri == rest[i:]
	}
	return d.uri == rest[i:]
}
