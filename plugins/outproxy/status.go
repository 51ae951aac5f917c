package main

import (
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The errors of RFC 9209 that are told.
const (
	errUnavailable = "destination_unavailable"
	errInternal    = "proxy_internal_error"
	errRefused     = "connection_refused"
	errTimeout     = "connection_timeout"
	errDNS         = "dns_error"
	errProhibited  = "destination_ip_prohibited"
	errDenied      = "http_request_denied"
)

// failure is why a request is not answered by who it is for.
type failure struct {
	status  int
	by      string // "exit" or "outproxy"
	err     string // one of the above
	details string // for people, ASCII; names no host
	wait    time.Duration
}

func (f *failure) Error() string { return f.err + ": " + f.details }

// header is the value of Proxy-Status.
func (f *failure) header() string {
	return fmt.Sprintf("%s; error=%s; details=%s", f.by, f.err, quote(f.details))
}

// quote makes a string of RFC 8941.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			b.WriteByte('?')
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// write answers with the failure.
func (f *failure) write(w http.ResponseWriter) {
	h := w.Header()
	for name := range h {
		delete(h, name)
	}
	body := fmt.Sprintf("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%d %s</title></head>\n<body><h1>%[2]s</h1><p>%s</p></body></html>\n",
		f.status, http.StatusText(f.status), html.EscapeString(f.details))
	h["Date"] = nil
	h.Set("Proxy-Status", f.header())
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Connection", "close")
	if f.wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.wait+time.Second-1)/time.Second)))
	}
	w.WriteHeader(f.status)
	_, _ = w.Write([]byte(body))
}

// parseStatus reads the last member of Proxy-Status: who said it, the error, and the details. Everything is empty if it is none.
func parseStatus(values []string) (by, code, details string) {
	if len(values) == 0 {
		return "", "", ""
	}
	s := values[len(values)-1]
	if len(s) > 2048 {
		return "", "", ""
	}
	for i, part := range splitOutside(lastMember(s), ';') {
		part = strings.Trim(part, " \t")
		if i == 0 {
			by = part
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "error":
			code = value
		case "details":
			details = unquote(value)
		}
	}
	return by, code, details
}

func lastMember(s string) string {
	members := splitOutside(s, ',')
	return members[len(members)-1]
}

// splitOutside splits at a separator that is not in a quoted string.
func splitOutside(s string, separator byte) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var b strings.Builder
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' && i+1 < len(s)-1 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
