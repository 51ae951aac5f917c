package http

import (
	nethttp "net/http"
	"slices"
	"strings"
	"testing"
)

func header(lines string) nethttp.Header {
	h := nethttp.Header{}
	for line := range strings.Lines(lines) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

func golden(h nethttp.Header) string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			lines = append(lines, name+": "+v)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// The policy is the union of Java I2P's and i2pd's, and of what browsers have added since.
func TestCleanRequest(t *testing.T) {
	const agent = "\nUser-Agent: MYOB/6.66 (AN/ON)"
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", agent[1:]},
		{
			"Firefox", `
			User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0
			Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
			Accept-Language: de,en-US;q=0.7
			Accept-Encoding: gzip, deflate
			Connection: keep-alive
			Proxy-Connection: keep-alive
			Cookie: a=b
			Upgrade-Insecure-Requests: 1
			Sec-GPC: 1
			DNT: 1
			Priority: u=0, i
			Cache-Control: no-cache
			Range: bytes=1-
			If-None-Match: "x"`,
			`Accept-Encoding: gzip, deflate
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Cache-Control: no-cache
Cookie: a=b
If-None-Match: "x"
Range: bytes=1-` + agent,
		},
		{
			"Chromium", `
			User-Agent: Mozilla/5.0 Chrome/156
			Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7
			Sec-CH-UA: "Chromium";v="156"
			Sec-CH-UA-Mobile: ?0
			Sec-CH-UA-Platform: "Linux"
			Sec-Fetch-Site: none
			Sec-Fetch-Mode: navigate
			Accept-Encoding: gzip, deflate, br, zstd
			Device-Memory: 8
			Save-Data: on`,
			`Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Encoding: gzip, deflate` + agent,
		},
		{
			"who and where", `
			Via: 1.1 me
			Forwarded: for=1.2.3.4
			X-Forwarded-For: 1.2.3.4
			X-Forwarded-Host: h
			X-Real-IP: 1.2.3.4
			True-Client-IP: 1.2.3.4
			Client-IP: 1.2.3.4
			CF-Connecting-IP: 1.2.3.4
			From: a@b
			X-I2P-DestHash: forged
			Proxy-Authorization: Basic eA==
			Proxy-Anything: x
			Alt-Used: clear.example
			Early-Data: 1
			HTTP2-Settings: x
			X-Accept-Encoding: x-i2p-gzip`, agent[1:],
		},
		{
			"of this connection", `
			Connection: keep-alive, X-Hop, TE
			X-Hop: 1
			Keep-Alive: 300
			TE: trailers
			Trailer: X
			Upgrade: h2c`, agent[1:],
		},
		{
			"websocket", `
			Connection: keep-alive, Upgrade
			Upgrade: WebSocket
			Sec-WebSocket-Key: k
			Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
			Sec-WebSocket-Protocol: chat
			Sec-WebSocket-Version: 13`, `Connection: Upgrade
Sec-Websocket-Key: k
Sec-Websocket-Protocol: chat
Sec-Websocket-Version: 13
Upgrade: websocket` + agent,
		},
		{"image", "Accept: image/avif,image/webp,*/*;q=0.5", "Accept: image/webp,image/apng,image/*,*/*;q=0.8" + agent},
		{"style sheet", "Accept: text/css,*/*;q=0.1", "Accept: text/css,*/*;q=0.1" + agent},
		{"other accept", "Accept: application/json", "Accept: application/json" + agent},
		{"any accept", "Accept: */*", "Accept: */*" + agent},
		{"only gzip", "Accept-Encoding: br, gzip", "Accept-Encoding: gzip" + agent},
		{"no encoding", "Accept-Encoding: identity", "Accept-Encoding: identity" + agent},
		{"Ajax", "X-Requested-With: XMLHttpRequest", agent[1:] + "\nX-Requested-With: XMLHttpRequest"},
		{"WebView", "X-Requested-With: org.example.app", agent[1:]},
		{"basic", "Authorization: Basic eA==", "Authorization: Basic eA==" + agent},
		{"NTLM", "Authorization: ntlm TlRM", agent[1:]},
		{"Negotiate", "Authorization: Negotiate x", agent[1:]},
		{"own referer", "Referer: http://Example.i2p:80/a/b?c#d", "Referer: /a/b?c" + agent},
		{"relative referer", "Referer: /a#b", "Referer: /a" + agent},
		{"other site's referer", "Referer: http://other.i2p/", agent[1:]},
		{"other port's referer", "Referer: http://example.i2p:81/", agent[1:]},
		{"other scheme's referer", "Referer: https://example.i2p/", agent[1:]},
		{"network-path referer", "Referer: //clear.example/x", agent[1:]},
		{"unreadable referer", "Referer: http://[/", agent[1:]},
		{"opaque referer", "Referer: about:blank", agent[1:]},
		{"other origin", "Origin: http://other.i2p", "Origin: null" + agent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := header(tt.in)
			same := cleanRequest(h, "example.i2p", userAgent)
			want := strings.Split(tt.want, "\n")
			slices.Sort(want)
			if got := golden(h); got != strings.Join(want, "\n") || same {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
		})
	}
	if !cleanRequest(header("Origin: http://example.i2p:81"), "example.i2p:81", userAgent) {
		t.Error("own origin is not seen as such")
	}
}

func TestCleanResponse(t *testing.T) {
	const canonical = "aaaa.b32.i2p"
	for _, tt := range []struct {
		name     string
		status   int
		in, want string
	}{
		{
			"leads elsewhere", 200, `
			Alt-Svc: h2="clear.example:443"
			NEL: {}
			Report-To: {}
			Reporting-Endpoints: x="https://clear.example/"
			Proxy-Authenticate: Basic
			Proxy-Status: forged
			Via: 1.1 x
			Content-Type: text/plain
			Set-Cookie: a=b
			Set-Cookie: c=d`, "Content-Type: text/plain\nSet-Cookie: a=b\nSet-Cookie: c=d",
		},
		{"of this connection", 200, "Connection: close, X-Hop\nX-Hop: 1\nKeep-Alive: 1\nUpgrade: h2", ""},
		{"websocket", 101, "Connection: Upgrade\nUpgrade: websocket\nAlt-Svc: x", "Connection: Upgrade\nUpgrade: websocket"},
		{"redirect to itself", 302, "Location: http://AAAA.b32.i2p:80/x?y#z", "Location: http://example.i2p:81/x?y#z"},
		{"redirect within", 302, "Location: /x", "Location: /x"},
		{"redirect elsewhere", 302, "Location: http://other.i2p/x", "Location: http://other.i2p/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := header(tt.in)
			cleanResponse(h, tt.status, canonical, "example.i2p:81")
			if got := golden(h); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
