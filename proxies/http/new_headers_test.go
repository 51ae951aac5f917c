package http_test

import (
	"fmt"
	nethttp "net/http"
	"strings"
	"testing"
)

// What browsers add from version to version, by prefix, and the pages that Referer would name.
func TestNewHeadersOfBrowsersAreDropped(t *testing.T) {
	names := []string{
		"Sec-Browsing-Topics", "Sec-Storage-Access", "Sec-Speculation-Tags", "Sec-Shared-Storage-Writable", "Sec-Session-Response", "Sec-Anything-New",
		"Attribution-Reporting-Eligible", "Ping-From", "Ping-To", "X-Client-Data", "X-Chrome-Connected", "Available-Dictionary", "Content-DPR",
	}
	seen := make(chan *nethttp.Request, 1)
	f := start(t, nethttp.HandlerFunc(func(_ nethttp.ResponseWriter, r *nethttp.Request) { seen <- r }))
	c := f.dial(t)
	fmt.Fprintf(c, "GET http://%s/ HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: stays\r\n%s: http://other.i2p/page\r\n\r\n", siteName, strings.Join(names, ": http://other.i2p/page\r\n"))
	r := <-seen
	for _, name := range names {
		if v := r.Header.Get(name); v != "" {
			t.Errorf("the server sees %s: %s", name, v)
		}
	}
	if r.Header.Get("Sec-WebSocket-Protocol") != "stays" {
		t.Errorf("the server sees %v", r.Header)
	}
}
