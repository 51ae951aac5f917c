// Package portmaptest has a UPnP gateway on the loopback network, for tests.
package portmaptest

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	searchTarget   = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
	defaultService = "urn:schemas-upnp-org:service:WANIPConnection:1"
)

// Host is an address of the loopback network that no other test uses, most likely.
func Host() netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(100 + rand.IntN(100)), byte(rand.IntN(256)), byte(1 + rand.IntN(250))})
}

// An Entry is a mapping that a simulated gateway holds.
type Entry struct {
	Client   string
	Internal uint16
	Lease    time.Duration // 0: for ever
}

// A Table is what a simulated gateway has mapped, by "UDP 123".
type Table struct {
	mu   sync.Mutex
	held map[string]Entry
	adds int
}

// Add enters a mapping or renews it.
func (t *Table) Add(key string, e Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held == nil {
		t.held = make(map[string]Entry)
	}
	t.held[key] = e
	t.adds++
}

// Remove takes one out.
func (t *Table) Remove(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.held, key)
}

// Get returns what is held, and how often something was added or renewed.
func (t *Table) Get() (held map[string]Entry, adds int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.held), t.adds
}

// A Device is a simulated UPnP gateway: an SSDP responder, a description and a SOAP control.
type Device struct {
	Table
	At     netip.Addr
	Search netip.AddrPort // where it answers searches
	URL    string         // of the HTTP server
	ssdp   *net.UDPConn

	// What it does; changed under Set.
	Location, Control, Base string                // instead of its own
	Service                 string                // instead of WANIPConnection:1
	External                string                // address
	Fault                   func(port string) int // of AddPortMapping
	Dead                    bool                  // answers no HTTP request
	Serve                   http.HandlerFunc      // instead of everything
	requests                int
}

// NewDevice starts one on the loopback network; it ends with the test.
func NewDevice(t testing.TB) *Device {
	t.Helper()
	d := &Device{At: Host(), External: "11.22.33.44"}
	ssdp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(d.At, 0)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", netip.AddrPortFrom(d.At, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	d.ssdp, d.Search, d.URL = ssdp, ssdp.LocalAddr().(*net.UDPAddr).AddrPort(), "http://"+l.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(d.http)}
	go server.Serve(l)
	go d.answerSearches()
	t.Cleanup(func() { ssdp.Close(); server.Close() })
	return d
}

// Set changes what it does.
func (d *Device) Set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// Seen is how many HTTP requests it got.
func (d *Device) Seen() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests
}

func (d *Device) answerSearches() {
	b := make([]byte, 2048)
	for {
		n, from, err := d.ssdp.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if !strings.HasPrefix(string(b[:n]), "M-SEARCH * HTTP/1.1\r\n") || !strings.Contains(string(b[:n]), `MAN: "ssdp:discover"`) {
			continue
		}
		location := d.URL + "/description.xml"
		d.Set(func() {
			if d.Location != "" {
				location = d.Location
			}
		})
		d.ssdp.WriteToUDPAddrPort([]byte("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: "+searchTarget+
			"\r\nUSN: uuid:x::"+searchTarget+"\r\nLOCATION: "+location+"\r\n\r\n"), from)
	}
}

func (d *Device) http(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.requests++
	dead, serve := d.Dead, d.Serve
	control, base, service, external, fault := d.Control, d.Base, d.Service, d.External, d.Fault
	d.mu.Unlock()
	if service == "" {
		service = defaultService
	}
	switch {
	case dead:
		panic(http.ErrAbortHandler)
	case serve != nil:
		serve(w, r)
	case r.URL.Path == "/description.xml":
		if control == "" {
			control = "/control"
		}
		fmt.Fprintf(w, `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">%s<device><deviceType>x</deviceType><deviceList><device>
<serviceList><service><serviceType>%s</serviceType><controlURL>%s</controlURL></service></serviceList></device></deviceList></device></root>`, base, service, control)
	case r.URL.Path == "/control" && r.Method == http.MethodPost:
		d.soap(w, r, service, external, fault)
	default:
		http.NotFound(w, r)
	}
}

func (d *Device) soap(w http.ResponseWriter, r *http.Request, service, external string, fault func(string) int) {
	var envelope struct {
		Body struct {
			Action struct {
				XMLName           xml.Name
				NewExternalPort   string
				NewProtocol       string
				NewInternalPort   string
				NewInternalClient string
				NewLeaseDuration  string
			} `xml:",any"`
		} `xml:"Body"`
	}
	body, _ := io.ReadAll(r.Body)
	action := ""
	if err := xml.Unmarshal(body, &envelope); err == nil {
		action = envelope.Body.Action.XMLName.Local
	}
	if r.Header.Get("SOAPACTION") != `"`+service+"#"+action+`"` || envelope.Body.Action.XMLName.Space != service {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	a := envelope.Body.Action
	key := a.NewProtocol + " " + a.NewExternalPort
	code, inner := 0, ""
	switch action {
	case "GetExternalIPAddress":
		inner = "<NewExternalIPAddress>" + external + "</NewExternalIPAddress>"
	case "AddPortMapping":
		seconds, err := strconv.Atoi(a.NewLeaseDuration)
		internal, err2 := strconv.ParseUint(a.NewInternalPort, 10, 16)
		if err != nil || err2 != nil || a.NewInternalClient == "" {
			code = 402
		} else if fault != nil {
			if code = fault(a.NewExternalPort); code == 725 && seconds == 0 {
				code = 0
			}
		}
		if code == 0 {
			d.Add(key, Entry{Client: a.NewInternalClient, Internal: uint16(internal), Lease: time.Duration(seconds) * time.Second})
		}
	case "DeletePortMapping":
		d.Remove(key)
	default:
		code = 401
	}
	const head, tail = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`, `</s:Body></s:Envelope>`
	if code != 0 {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, head+`<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%d</errorCode></UPnPError></detail></s:Fault>`+tail, code)
		return
	}
	fmt.Fprintf(w, head+`<u:%sResponse xmlns:u="%s">%s</u:%[1]sResponse>`+tail, action, service, inner)
}
