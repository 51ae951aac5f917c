package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestStatusIsReadAsItIsWritten(t *testing.T) {
	f := exitFailure(503, errUnavailable, "a \"quoted\" \\ text, with; everything=\r\nin ü")
	w := httptest.NewRecorder()
	w.Header().Set("Set-Cookie", "of the site")
	f.write(w)
	value := w.Header().Get("Proxy-Status")
	if strings.ContainsAny(value, "\r\n") || w.Header().Get("Set-Cookie") != "" || w.Code != 503 {
		t.Errorf("%q %v", value, w.Header())
	}
	by, code, details := parseStatus([]string{"other; error=dns_error, " + value})
	if by != "exit" || code != errUnavailable || details != "a \"quoted\" \\ text, with; everything=??in ??" {
		t.Errorf("%q %q %q", by, code, details)
	}
}

func TestParseStatus(t *testing.T) {
	for value, want := range map[string][3]string{
		"exit": {"exit", "", ""}, "exit;error=dns_error": {"exit", "dns_error", ""}, "a, exit; error=x; details=\"b, c\"": {"exit", "x", "b, c"},
		"": {"", "", ""}, "\"": {"\"", "", ""}, "exit; details=\"unfinished": {"exit", "", "\"unfinished"},
	} {
		if by, code, details := parseStatus([]string{value}); [3]string{by, code, details} != want {
			t.Errorf("%q: %q %q %q", value, by, code, details)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add("exit; error=destination_unavailable; details=\"the exit's squid does not answer\"")
	f.Add("a;b=\"\\\"\",c")
	f.Fuzz(func(t *testing.T, s string) {
		by, code, details := parseStatus([]string{s})
		if len(by)+len(code)+len(details) > len(s) {
			t.Fatalf("%q: more out than in", s)
		}
		again := exitFailure(500, errInternal, details)
		if _, c, d := parseStatus([]string{again.header()}); len(details) < 1000 && (c != errInternal || len(d) != len(details)) {
			t.Fatalf("%q -> %q -> %q %q", details, again.header(), c, d)
		}
	})
}
