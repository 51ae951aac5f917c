package http

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	nethttp "net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clove.i2p/proxies"
)

// An address helper lets a link say what a name stands for. Whoever wrote the link chose both, so that a user who follows it has
// to agree: on a page of http://proxy.i2p/, which scripts of no site can read.
//
//	http://NAME/PATH?i2paddresshelper=ADDRESS
//	  known with this address -> 302 http://NAME/PATH
//	  else                    -> 302 http://proxy.i2p/helper?host=NAME&address=ADDRESS&path=PATH
//	                               -> page, form -> POST -> remembered or saved -> 303 http://NAME/PATH

// proposal is what the link says.
type proposal struct {
	name  string // ParseHost's
	port  int
	path  string // with the query
	value string
	address
}

// verdict on a proposal.
type verdict uint8

const (
	unknown  verdict = iota // nothing is known about the name
	agrees                  // the name has this address
	conflict                // it has another
)

// helped handles the address helper of a request for a name in I2P. It returns nil if the request can go on; then u has none any
// more.
func (s *Server) helped(r *nethttp.Request, u *url.URL, host string, port int, user identity) *page {
	if s.cfg.Book == nil || host == proxies.SelfHost {
		return nil
	}
	value, rest, found, err := takeHelper(u.RawQuery)
	if !found {
		return nil
	}
	get := r.Method == nethttp.MethodGet || r.Method == nethttp.MethodHead
	p := proposal{name: host, port: port, value: value}
	if err == nil && isName(host) {
		p.address, err = readAddress(s.cfg.Book, value)
	}
	if err != nil {
		return badHelperPage(err, host)
	}
	u.RawQuery = rest
	u.ForceQuery = false
	p.path = u.RequestURI()
	how, _ := agrees, ""
	if isName(host) { // other names prove themselves
		how, _ = s.judge(p, user)
	}
	switch {
	case how == agrees && get:
		return redirect(nethttp.StatusFound, p.url())
	case how == agrees:
		return nil
	case get:
		return redirect(nethttp.StatusFound, p.confirmURL())
	}
	return &page{
		status: nethttp.StatusConflict, proxy: "http_request_denied", Title: "Open the link first", Host: host,
		Lead:   "This form goes to a name with an address that nobody has confirmed. Nothing was sent.",
		Advice: []string{"Open the site by the link below and confirm the address, go back, and send the form again."},
		Links:  []link{{"Confirm the address", p.confirmURL()}},
	}
}

// judge compares a proposal to what the books and the user's accepted names say, and returns the b32 name of those.
func (s *Server) judge(p proposal, user identity) (v verdict, known string) {
	if destination, ok := s.cfg.Book.Lookup(p.name); ok {
		if a, err := newAddress(destination); err == nil {
			known = a.b32
		}
	} else if host, ok := s.names.get(user.owner, p.name); ok {
		known = host
		if a, err := newAddress(host); err == nil {
			known = a.b32
		}
	} else {
		return unknown, ""
	}
	if known == p.b32 {
		return agrees, known
	}
	return conflict, known
}

// url is where the browser goes afterwards.
func (p proposal) url() string { return "http://" + withPort(p.name, p.port) + p.path }

func (p proposal) confirmURL() string {
	path := p.path
	if len(path) > maxReturn {
		path = "/"
	}
	q := url.Values{"host": {withPort(p.name, p.port)}, "address": {p.value}, "path": {path}}
	return ownOrigin + helperPath + "?" + q.Encode()
}

// readProposal checks what anybody can have put into a link to the page.
func (s *Server) readProposal(q url.Values) (p proposal, err error) {
	name, port, err := proxies.SplitHostPort(q.Get("host"), 80)
	if err != nil {
		return p, err
	}
	if p.name, err = proxies.ParseHost(name); err != nil {
		return p, err
	}
	p.port, p.path, p.value = port, q.Get("path"), q.Get("address")
	if !isName(p.name) || len(p.value) > maxHelper || !validPath(p.path) {
		return p, errHelper
	}
	p.address, err = readAddress(s.cfg.Book, p.value)
	return p, err
}

// validPath accepts what follows the host of an http:// URL.
func validPath(path string) bool {
	if len(path) > maxReturn || !strings.HasPrefix(path, "/") {
		return false
	}
	for _, c := range []byte(path) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	u, err := url.Parse("http://x" + path)
	return err == nil && u.Host == "x" && u.Fragment == ""
}

// confirmHelper is the page that asks.
func (s *Server) confirmHelper(q url.Values, user identity) *page {
	p, err := s.readProposal(q)
	if err != nil {
		return badHelperPage(err, "")
	}
	v, known := s.judge(p, user)
	direct := "http://" + withPort(p.b32, p.port) + p.path
	switch v {
	case agrees:
		return redirect(nethttp.StatusFound, p.url())
	case conflict:
		return &page{
			status: nethttp.StatusConflict, own: true, Title: "The link gives another address for this name", Host: p.name,
			Lead: "You know this name with one address, and the link says another. Either the site has moved, or somebody " +
				"wants you to take their site for it.",
			Facts: []fact{{"You know", known}, {"The link says", p.b32}},
			Links: []link{{"Open the site that you know", p.url()}, {"Open the other one, by its address", direct}},
			Advice: []string{
				"If the site says itself that it has moved, change its line in hosts.txt. A name that was not saved is " +
					"forgotten when clove stops.",
			},
		}
	}
	until := strconv.FormatInt(time.Now().Add(confirmTime).Unix(), 10)
	return &page{
		status: nethttp.StatusConflict, own: true, Title: "A link gives this name an address", Host: p.name,
		Lead: "No address book here has this name. The link that you followed says where it leads. Whoever made the link chose " +
			"both, and nobody has checked that they belong together.",
		Facts: []fact{{"Name", p.name}, {"Address", p.b32}},
		Form: &form{
			Action: helperPath, target: "http://" + withPort(p.name, p.port),
			Hidden: []fact{
				{"host", withPort(p.name, p.port)}, {"address", p.value}, {"path", p.path}, {"until", until},
				{"nonce", s.confirmation(p, user, until)},
			},
			Choices: []fact{{"session", "Use it until clove stops"}, {"save", "Save it in hosts.txt"}},
		},
		Links: []link{{"Open the address without the name", direct}},
		Advice: []string{
			"The address alone cannot be forged. Compare it with one that you got in another way, if the site matters to you.",
		},
	}
}

// confirmation is the nonce of a form: nobody else can make one for this name, address and user.
func (s *Server) confirmation(p proposal, user identity, until string) string {
	h := hmac.New(sha256.New, s.secret[:])
	fmt.Fprintf(h, "%q %d %q %q %q %q %q", p.name, p.port, p.value, p.path, user.owner.Listener, user.owner.User, until)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func newSecret() (key [32]byte) {
	_, _ = rand.Read(key[:])
	return key
}

// acceptHelper does what the user chose.
func (s *Server) acceptHelper(r *nethttp.Request, user identity) *page {
	form, err := readForm(r)
	if err != nil {
		return bare(nethttp.StatusBadRequest)
	}
	p, err := s.readProposal(form)
	if err != nil {
		return badHelperPage(err, "")
	}
	until, err := strconv.ParseInt(form.Get("until"), 10, 64)
	if err != nil || !hmac.Equal([]byte(s.confirmation(p, user, form.Get("until"))), []byte(form.Get("nonce"))) {
		return bare(nethttp.StatusForbidden)
	}
	if time.Now().Unix() > until {
		return redirect(nethttp.StatusSeeOther, p.confirmURL()) // asks again
	}
	if v, _ := s.judge(p, user); v == conflict {
		return redirect(nethttp.StatusSeeOther, p.confirmURL())
	}
	switch form.Get("choice") {
	case "session":
		host := p.destination
		if host == "" {
			host = p.b32
		}
		s.names.put(user.owner, p.name, host)
	case "save":
		if problem := s.save(r.Context(), p, user); problem != nil {
			return problem
		}
	default:
		return bare(nethttp.StatusBadRequest)
	}
	return redirect(nethttp.StatusSeeOther, p.url())
}

// save needs the whole destination, which a .b32.i2p name does not have.
func (s *Server) save(ctx context.Context, p proposal, user identity) *page {
	notSaved := &page{
		status: nethttp.StatusBadGateway, own: true, Title: "The name was not saved", Host: p.name,
		Links: []link{{"Back to the choice", p.confirmURL()}},
	}
	if p.destination == "" {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.DialTimeout)
		defer cancel()
		destination, err := s.cfg.Book.Resolve(ctx, p.b32, s.cfg.Isolation.Key(s.cfg.Name, user.credentials, p.b32, proxies.Shape{}))
		if err != nil {
			notSaved.Lead = "hosts.txt needs the whole address, and the site could not be asked for it: " + failed{err: err}.page().Title + "."
			notSaved.Advice = []string{"Use the name until clove stops, or try again when the site is online."}
			return notSaved
		}
		a, err := newAddress(destination)
		if err != nil || len(p.b32) == len(a.b32) && a.b32 != p.b32 {
			return internalPage()
		}
		p.destination = destination
	}
	if err := s.cfg.Book.Save(p.name, p.destination); err != nil {
		notSaved.status = nethttp.StatusInternalServerError
		notSaved.Lead = "It could not be added to hosts.txt: " + err.Error() + "."
		notSaved.Advice = []string{"Use the name until clove stops, or see that hosts.txt in clove's data folder can be written."}
		return notSaved
	}
	return nil
}

func readForm(r *nethttp.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, errHelper
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil || len(b) > maxForm {
		return nil, errHelper
	}
	return url.ParseQuery(string(b))
}

func badHelperPage(err error, host string) *page {
	p := &page{
		status: nethttp.StatusBadRequest, proxy: "http_request_error", Title: "The link's address cannot be right", Host: host,
		Lead: "The link carries an address (i2paddresshelper=...) that is not a destination, a .b32.i2p name or a name that you " +
			"know.",
		Advice: []string{"It may have been cut off when it was copied. Ask for it again.", "Without that part the link may work as it is."},
	}
	if err == errHelperName { //nolint:errorlint // not wrapped
		p.status, p.proxy, p.Title = nethttp.StatusNotFound, "dns_error", "The link leads to an unknown name"
		p.Lead = "The link says that its name is another name's site, and that one is in no address book here."
	}
	return p
}
