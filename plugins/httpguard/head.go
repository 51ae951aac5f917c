package httpguard

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// Refusal is why a request is not served.
type Refusal struct {
	Status int    // 400, 403, 408, 414, 429, 431, 503, 505 ...
	Why    string // for people
}

// Head is what the guard has to know of a request: where its body ends.
type Head struct {
	Length  int64 // of the body, if it is not chunked
	Chunked bool
	Upgrade bool // the client wants something else on this connection, or a tunnel (CONNECT)
}

// scanner looks for the end of a head while it arrives.
type scanner struct {
	next  int // first byte that was not looked at
	line  int // where the current line starts
	lines int // complete ones
}

// scan returns the length of the head with its empty line, or 0 while it is not complete.
func (s *scanner) scan(b []byte, l Limits) (int, *Refusal) {
	for {
		i := bytes.IndexByte(b[s.next:], '\n')
		end := len(b)
		if i >= 0 {
			end = s.next + i
		}
		if end-s.line > l.LineBytes {
			if s.lines == 0 {
				return 0, &Refusal{http.StatusRequestURITooLong, "The address is too long."}
			}
			return 0, &Refusal{http.StatusRequestHeaderFieldsTooLarge, "A header line is too long."}
		}
		if end > l.HeadBytes {
			return 0, &Refusal{http.StatusRequestHeaderFieldsTooLarge, "The header is too large."}
		}
		if i < 0 {
			s.next = len(b)
			return 0, nil
		}
		if empty := len(bytes.TrimSuffix(b[s.line:end], []byte("\r"))) == 0; empty && s.lines > 0 {
			return end + 1, nil
		}
		s.lines++
		if s.lines > 1+l.HeadLines {
			return 0, &Refusal{http.StatusRequestHeaderFieldsTooLarge, "The header has too many lines."}
		}
		s.next, s.line = end+1, end+1
	}
}

// firstLine tells whether the request line is complete.
func (s *scanner) firstLine() bool { return s.lines > 0 }

func bad(why string) (Head, *Refusal) { return Head{}, &Refusal{http.StatusBadRequest, why} }

// ParseHead checks a complete head. It is stricter than RFC 9112 asks where programs are known to disagree: a body has exactly
// one length, lines are not folded, names have no space before the colon.
func ParseHead(b []byte) (Head, *Refusal) {
	var (
		h                          Head
		lengths, codings, upgrades int
		connection                 []string
	)
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	method, version, refusal := parseRequestLine(string(bytes.TrimSuffix(first, []byte("\r"))))
	if refusal != nil {
		return Head{}, refusal
	}
	for len(rest) > 0 {
		var raw []byte
		raw, rest, _ = bytes.Cut(rest, []byte("\n"))
		line := string(bytes.TrimSuffix(raw, []byte("\r")))
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		switch {
		case strings.ContainsAny(line, "\x00\r"):
			return bad("A header line has a control character.")
		case line[0] == ' ' || line[0] == '\t':
			return bad("A header line is folded.")
		case !ok || !isToken(name):
			return bad("A header line has no name and colon.")
		}
		value = strings.Trim(value, " \t")
		switch strings.ToLower(name) {
		case "content-length":
			n, err := strconv.ParseUint(value, 10, 63)
			if lengths++; err != nil || value[0] == '+' || lengths > 1 {
				return bad("The length of the body is not clear.")
			}
			h.Length = int64(n)
		case "transfer-encoding":
			if codings++; !strings.EqualFold(value, "chunked") || codings > 1 {
				return bad("The transfer encoding is not clear.")
			}
			h.Chunked = true
		case "connection":
			connection = append(connection, value)
		case "upgrade":
			upgrades++
		}
	}
	if h.Chunked && (lengths > 0 || version == "HTTP/1.0") {
		return bad("The length of the body is not clear.")
	}
	h.Upgrade = method == http.MethodConnect || upgrades > 0 && hasToken(strings.Join(connection, ","), "upgrade")
	if h.Upgrade && (h.Chunked || h.Length > 0) {
		return bad("An upgrade has no body.")
	}
	return h, nil
}

func parseRequestLine(line string) (method, version string, refusal *Refusal) {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || !isToken(parts[0]) || parts[1] == "" {
		return "", "", &Refusal{http.StatusBadRequest, "The first line is not a request."}
	}
	for _, c := range []byte(parts[1]) {
		if c <= ' ' || c == 0x7f {
			return "", "", &Refusal{http.StatusBadRequest, "The address has a control character."}
		}
	}
	switch parts[2] {
	case "HTTP/1.1", "HTTP/1.0":
		return parts[0], parts[2], nil
	}
	if strings.HasPrefix(parts[2], "HTTP/") {
		return "", "", &Refusal{http.StatusHTTPVersionNotSupported, "Only HTTP/1.1 and HTTP/1.0 are spoken here."}
	}
	return "", "", &Refusal{http.StatusBadRequest, "The first line is not a request."}
}

// isToken: RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// hasToken tells whether a list separated by commas has an entry.
func hasToken(list, token string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(part, " \t"), token) {
			return true
		}
	}
	return false
}
