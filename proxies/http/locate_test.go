package http

import (
	"net/url"
	"testing"
)

func TestLocateLeavesOnlyWhatTheServerMaySee(t *testing.T) {
	for in, want := range map[string]string{
		"http://u:p@example.i2p/a%2Fb?q#f": "http://example.i2p/a%2Fb?q",
		"http://example.i2p/a#f?q":         "http://example.i2p/a",
		"http://example.i2p/a%23b?c%23d":   "http://example.i2p/a%23b?c%23d",
		"http://example.i2p":               "http://example.i2p/",
		"http://example.i2p?q":             "http://example.i2p/?q",
	} {
		u, err := url.ParseRequestURI(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if _, _, err := locate(u); err != nil || u.String() != want {
			t.Errorf("%s: got %s, want %s; %v", in, u, want, err)
		}
	}
}
