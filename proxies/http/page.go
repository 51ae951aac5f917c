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
		"'; base-uri 'none'; frame-ancestors 'none'; form-action "
}()

type (
	fact struct{ Name, Value string }
	link struct{ Text, URL string }
	// form posts its hidden fields and the choice that was made.
	form struct {
		Action  string
		Hidden  []fact
		Choices []fact
		target  string // the origin that the answer leads to, for browsers check that against the policy, too
	}
	section struct {
		Title, Text string
		Items       []string
		Code        string
	}
)

// page is an answer of the proxy itself.
type page struct {
	Title    string
	Host     string
	Lead     string
	Progress string
	Advice   []string
	Code     string
	Facts    []fact
	Links    []link
	Form     *form
	Sections []section

	status  int
	proxy   string // error type of Proxy-Status, RFC 9209 section 2.3
	details string // for those who see the header only: fixed texts and what an outproxy said
	reload  bool
	header  nethttp.Header // more
	// quiet leaves out everything but the status: the request is not for a person to look at.
	quiet bool
	// own is for the pages of proxy.i2p.
	own bool
	// body takes the place of the HTML, if it is not nil. contentType is then its type.
	body        []byte
	contentType string
}

// Style is for the template.
func (*page) Style() template.CSS { return template.CSS(pageCSS) }

// bare is a status that says nothing.
func bare(status int) *page { return &page{status: status, quiet: true, own: true} }

// redirect leads a browser to another page.
func redirect(status int, to string) *page {
	return &page{
		status: status, Title: "Elsewhere", Lead: "The address has changed.", Links: []link{{to, to}},
		header: nethttp.Header{"Location": {to}}, body: []byte{},
	}
}

func (p *page) headers(h nethttp.Header) {
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.own {
		h.Set("Cross-Origin-Resource-Policy", "same-origin") // no page can tell whether it loaded
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	for name, values := range p.header {
		h[name] = values
	}
	if p.status == nethttp.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(reloadSeconds))
	}
	if p.quiet || len(p.body) > 0 {
		if p.contentType != "" {
			h.Set("Content-Type", p.contentType)
		}
		return
	}
	action := "'none'"
	if p.Form != nil {
		action = "'self' " + p.Form.target
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy+action)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	if p.Form != nil {
		h.Set("Referrer-Policy", "same-origin") // or browsers send "Origin: null"
	}
	if p.proxy != "" {
		status := "proxy; error=" + p.proxy // which proxy it is, is nobody's business
		if p.details != "" {
			status += "; details=" + quote(p.details)
		}
		h.Set("Proxy-Status", status)
	}
	if p.reload {
		h.Set("Refresh", strconv.Itoa(reloadSeconds))
	}
}

// content is the body.
func (p *page) content() []byte {
	switch {
	case p.quiet:
		return nil
	case p.body != nil:
		return p.body
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		panic("http: page template: " + err.Error())
	}
	return b.Bytes()
}

// response is for goproxy, and for a connection that was taken over.
func (p *page) response(r *nethttp.Request) *nethttp.Response {
	b := p.content()
	resp := &nethttp.Response{
		Status:        strconv.Itoa(p.status) + " " + nethttp.StatusText(p.status),
		StatusCode:    p.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        nethttp.Header{},
		Body:          io.NopCloser(bytes.NewReader(b)),
		ContentLength: int64(len(b)),
		Request:       r,
	}
	p.headers(resp.Header)
	resp.Header.Set("Content-Length", strconv.Itoa(len(b)))
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
