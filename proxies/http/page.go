package http

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	nethttp "net/http"
	"strconv"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// pagePolicy allows the one style sheet in the page and nothing else: the page appears under the name of a site.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

type fact struct{ Name, Value string }

// page is what the proxy itself answers. The template escapes all of it.
type page struct {
	Title    string
	Host     string
	Lead     string
	Progress string
	Advice   []string
	Facts    []fact

	status int
	proxy  string // error type of Proxy-Status, RFC 9209 section 2.3
	reload bool
	header [2]string // one more
}

// Style is for the template.
func (*page) Style() template.CSS { return template.CSS(pageCSS) }

func (p *page) headers(h nethttp.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	if p.proxy != "" {
		h.Set("Proxy-Status", "clove; error="+p.proxy)
	}
	if p.reload {
		h.Set("Refresh", strconv.Itoa(reloadSeconds))
	}
	if p.status == nethttp.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(reloadSeconds))
	}
	if p.header[0] != "" {
		h.Set(p.header[0], p.header[1])
	}
}

// response is for goproxy, and for a connection that was taken over.
func (p *page) response(r *nethttp.Request) *nethttp.Response {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		panic("http: page template: " + err.Error())
	}
	resp := &nethttp.Response{
		Status:        strconv.Itoa(p.status) + " " + nethttp.StatusText(p.status),
		StatusCode:    p.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        nethttp.Header{},
		Body:          io.NopCloser(bytes.NewReader(b.Bytes())),
		ContentLength: int64(b.Len()),
		Request:       r,
	}
	p.headers(resp.Header)
	resp.Header.Set("Content-Length", strconv.Itoa(b.Len()))
	if r.Method == nethttp.MethodConnect {
		resp.Request = nil // Write leaves the body of an answer to CONNECT out
	}
	return resp
}

func (p *page) write(w nethttp.ResponseWriter, r *nethttp.Request) {
	resp := p.response(r)
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}
