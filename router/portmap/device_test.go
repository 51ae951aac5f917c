package portmap

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

// host is an address of the loopback network that no other test uses, most likely.
func host() netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(100 + rand.IntN(100)), byte(rand.IntN(256)), byte(1 + rand.IntN(250))})
}

// An entry is a mapping that a simulated gateway holds.
type entry struct {
	client   string
	internal uint16
	lease    time.Duration // 0: for ever
	until    time.Time
}

// A table is what a simulated gateway has mapped, by "UDP 123".
type table struct {
	mu     sync.Mutex
	held   map[string]entry
	adds   int
	lapses int // renewals that came too late
}

func (t *table) add(key string, e entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held == nil {
		t.held = make(map[string]entry)
	}
	if old, ok := t.held[key]; ok && old.lease > 0 && time.Now().After(old.until) {
		t.lapses++
	}
	e.until = time.Now().Add(e.lease)
	t.held[key] = e
	t.adds++
}

func (t *table) remove(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.held, key)
}

func (t *table) get() (held map[string]entry, adds, lapses int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.held), t.adds, t.lapses
}

// A device is a simulated UPnP gateway: an SSDP responder, a description and a SOAP control.
type device struct {
	table
	at     netip.Addr
	search netip.AddrPort
	url    string // of the HTTP server
	ssdp   *net.UDPConn

	// What it does; changed under set.
	location, control, base string                // instead of its own
	service                 string                // instead of WANIPConnection:1
	external                string                // address
	fault                   func(port string) int // of AddPortMapping
	dead                    bool                  // answers no HTTP request
	serve                   http.HandlerFunc      // instead of everything
	requests                int
}

func newDevice(t *testing.T) *device {
	t.Helper()
	d := &device{at: host(), external: "11.22.33.44"}
	ssdp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(d.at, 0)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", netip.AddrPortFrom(d.at, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	d.ssdp, d.search, d.url = ssdp, ssdp.LocalAddr().(*net.UDPAddr).AddrPort(), "http://"+l.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(d.http)}
	go server.Serve(l)
	go d.answerSearches()
	t.Cleanup(func() { ssdp.Close(); server.Close() })
	return d
}

func (d *device) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *device) seen() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests
}

func (d *device) answerSearches() {
	b := make([]byte, 2048)
	for {
		n, from, err := d.ssdp.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if !strings.HasPrefix(string(b[:n]), "M-SEARCH * HTTP/1.1\r\n") || !strings.Contains(string(b[:n]), `MAN: "ssdp:discover"`) {
			continue
		}
		location := d.url + "/description.xml"
		d.set(func() {
			if d.location != "" {
				location = d.location
			}
		})
		d.ssdp.WriteToUDPAddrPort([]byte("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: "+searchTargets[0]+
			"\r\nUSN: uuid:x::"+searchTargets[0]+"\r\nLOCATION: "+location+"\r\n\r\n"), from)
	}
}

func (d *device) http(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.requests++
	dead, serve := d.dead, d.serve
	control, base, service, external, fault := d.control, d.base, d.service, d.external, d.fault
	d.mu.Unlock()
	if service == "" {
		service = services[1]
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

func (d *device) soap(w http.ResponseWriter, r *http.Request, service, external string, fault func(string) int) {
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
			d.add(key, entry{client: a.NewInternalClient, internal: uint16(internal), lease: time.Duration(seconds) * time.Second})
		}
	case "DeletePortMapping":
		d.remove(key)
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

// A control is a simulated gateway for PCP and NAT-PMP, on port 5351.
type control struct {
	table
	t        *testing.T
	at       netip.Addr
	conn     *net.UDPConn
	pcp      bool
	result   byte
	external netip.AddrPort // port 0: as asked for
	lease    time.Duration  // 0: as asked for
	garbage  bool           // before each answer
	nonces   map[string][12]byte
}

func newControl(t *testing.T, set func(c *control)) *control {
	t.Helper()
	c := &control{t: t, at: host(), external: netip.MustParseAddrPort("11.22.33.44:0"), nonces: make(map[string][12]byte)}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.at, controlPort)))
	if err != nil {
		t.Fatal(err)
	}
	c.conn = conn
	set(c)
	t.Cleanup(func() { conn.Close() })
	go c.serve()
	return c
}

func (c *control) serve() {
	b := make([]byte, 2048)
	for {
		n, from, err := c.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		answer := c.natpmp(b[:n], from)
		if n > 0 && b[0] == pcpVersion {
			answer = []byte{0, 0x80, 0, 1, 0, 0, 0, 1} // version not supported
			if c.pcp {
				answer = c.answerPCP(b[:n], from)
			}
		}
		if c.garbage {
			for _, g := range [][]byte{{}, {2}, make([]byte, 1500), append([]byte{2, 0x81}, make([]byte, 58)...)} {
				c.conn.WriteToUDPAddrPort(g, from)
			}
			if len(answer) >= 60 { // for another mapping
				other := append([]byte(nil), answer...)
				other[24] ^= 1
				other[43] ^= 1
				c.conn.WriteToUDPAddrPort(other, from)
			}
		}
		c.conn.WriteToUDPAddrPort(answer, from)
	}
}

func (c *control) natpmp(b []byte, _ netip.AddrPort) []byte {
	be := func(v uint32, n int) []byte {
		return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}[4-n:]
	}
	ip := c.external.Addr().As4()
	switch {
	case len(b) == 2 && b[0] == 0 && b[1] == 0:
		return append([]byte{0, 128, 0, c.result, 0, 0, 0, 9}, ip[:]...)
	case len(b) == 12 && b[0] == 0 && (b[1] == 1 || b[1] == 2):
		internal, external := uint32(b[4])<<8|uint32(b[5]), uint32(b[6])<<8|uint32(b[7])
		lease := uint32(b[8])<<24 | uint32(b[9])<<16 | uint32(b[10])<<8 | uint32(b[11])
		key := fmt.Sprint([]string{1: "UDP ", 2: "TCP "}[b[1]], internal)
		if lease == 0 {
			if external != 0 {
				c.t.Error("a removal with an external port")
			}
			c.remove(key)
		} else {
			if c.lease > 0 {
				lease = uint32(c.lease / time.Second)
			}
			c.add(key, entry{internal: uint16(internal), lease: time.Duration(lease) * time.Second})
		}
		out := append([]byte{0, 128 + b[1], 0, c.result, 0, 0, 0, 9}, be(internal, 2)...)
		return append(append(out, be(external, 2)...), be(lease, 4)...)
	}
	return nil
}

// answerPCP reads a request by offsets of RFC 6887, figures 2 and 9, not by our codec.
func (c *control) answerPCP(b []byte, from netip.AddrPort) []byte {
	out := make([]byte, 60)
	copy(out[24:], b[24:])
	out[0], out[1], out[3] = 2, 0x81, c.result
	client := netip.AddrFrom16([16]byte(b[8:24])).Unmap()
	if len(b) != 60 || b[1] != 1 || client != from.Addr() || b[36] != 6 && b[36] != 17 {
		c.t.Errorf("request % x from %v", b, from)
		out[3] = 3
		return out
	}
	lease := time.Duration(uint32(b[4])<<24|uint32(b[5])<<16|uint32(b[6])<<8|uint32(b[7])) * time.Second
	internal := uint16(b[40])<<8 | uint16(b[41])
	key := fmt.Sprint(map[byte]string{6: "TCP ", 17: "UDP "}[b[36]], internal)
	if old, ok := c.nonces[key]; ok && old != [12]byte(b[24:36]) {
		c.t.Errorf("%s: another nonce", key)
	}
	c.nonces[key] = [12]byte(b[24:36])
	if c.result != 0 {
		return out
	}
	if lease == 0 {
		c.remove(key)
		return out
	}
	if c.lease > 0 {
		lease = c.lease
	}
	s := uint32(lease / time.Second)
	out[4], out[5], out[6], out[7] = byte(s>>24), byte(s>>16), byte(s>>8), byte(s)
	if p := c.external.Port(); p != 0 {
		out[42], out[43] = byte(p>>8), byte(p)
	}
	ip := c.external.Addr().As16()
	copy(out[44:], ip[:])
	c.add(key, entry{client: client.String(), internal: internal, lease: lease})
	return append(out, 1, 0, 0, 4, 0, 0, 0, 0) // an option that nobody knows
}
