package portmap

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/huin/goupnp/soap"

	"clove.i2p/router/portmap/portmaptest"
)

func FuzzPCPAnswer(f *testing.F) {
	answer := append([]byte{2, 0x81, 0, 0, 0, 0, 0, 9}, make([]byte, 52)...)
	f.Add(answer)
	f.Add(append(answer, 1, 0, 0, 0))
	f.Add([]byte{0, 0x80, 0, 1})
	f.Add(append(answer, 1))
	f.Add(bytes.Repeat([]byte{2}, 1104))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePCPAnswer(b)
		if err != nil {
			return
		}
		if len(b)%4 != 0 || p.result != b[3] || (p.failure() == nil) != (b[3] == 0) {
			t.Fatalf("%+v", p)
		}
		p.client = netip.IPv6Unspecified()
		again := p.request(nil) // the body of requests and answers is the same
		want := bytes.Clone(b[24:60])
		want[13], want[14], want[15] = 0, 0, 0
		if len(again) != pcpMapLen || !bytes.Equal(again[24:], want) {
			t.Fatalf("% x becomes % x", b, again)
		}
	})
}

// The library parses; what it makes of an answer is checked here. The same answer goes to both questions.
func FuzzNATPMPAnswer(f *testing.F) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(portmaptest.Host(), controlPort)))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	answers := make(chan []byte, 2)
	go func() {
		var b [64]byte
		for {
			_, from, err := conn.ReadFromUDPAddrPort(b[:])
			if err != nil {
				return
			}
			select {
			case a := <-answers:
				conn.WriteToUDPAddrPort(a, from)
			default: // asked again
			}
		}
	}()
	address := []byte{0, 128, 0, 0, 0, 0, 0, 9, 11, 22, 33, 44}
	f.Add(address, []byte{0, 129, 0, 0, 0, 0, 0, 9, 0x23, 0x28, 0x23, 0x29, 0, 0, 14, 16})
	f.Add(address, []byte{0, 129, 0, 0, 0, 0, 0, 9, 0x23, 0x28, 0x23, 0x29, 255, 255, 255, 255})
	f.Add(address, []byte{0, 129, 0, 2, 0, 0, 0, 9})
	f.Add([]byte{2, 128, 0, 0}, []byte{})
	g := newNATPMP(netip.MustParseAddr("127.0.0.1"), conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr(), timings{answer: time.Second})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if len(first) > 1000 || len(second) > 1000 {
			return
		}
		answers <- first
		answers <- second
		m, err := g.add(t.Context(), Port{UDP, 9000, 0}, 9000, time.Hour)
		for len(answers) > 0 {
			<-answers
		}
		if err == nil && (!m.external.Addr().Is4() || m.lease <= 0 || len(second) < 16 || second[3] != 0) {
			t.Fatalf("%+v of % x and % x", m, first, second)
		}
	})
}

// answering is an HTTP server that always says the same.
type answering struct {
	status int
	body   []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r,
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body))}, nil
}

func FuzzSOAPAnswer(f *testing.F) {
	const head, tail = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`, `</s:Body></s:Envelope>`
	f.Add(200, []byte(head+`<u:GetExternalIPAddressResponse xmlns:u="x"><NewExternalIPAddress>11.22.33.44</NewExternalIPAddress></u:GetExternalIPAddressResponse>`+tail))
	f.Add(200, []byte(head+`<NewExternalIPAddress>::1</NewExternalIPAddress>`+tail))
	f.Add(500, []byte(head+`<s:Fault><faultcode>s:Client</faultcode><detail><UPnPError><errorCode>725</errorCode></UPnPError></detail></s:Fault>`+tail))
	f.Add(500, []byte(head+`<s:Fault></s:Fault>`+tail))
	f.Add(404, []byte("<"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		c := soap.NewSOAPClient(url.URL{Scheme: "http", Host: "192.168.1.1", Path: "/c"})
		c.HTTPClient.Transport = bounded{answering{status, body}}
		g := &upnp{host: netip.MustParseAddr("192.168.1.1"), service: services[0], soap: c, times: timings{answer: time.Second}}
		ip, err := g.externalIP(t.Context())
		if err == nil && !ip.Is4() || err != nil && len(err.Error()) > 2*maxErrorText+100 {
			t.Fatalf("%v, %v", ip, err)
		}
		m, err := g.add(t.Context(), Port{UDP, 9000, 0}, 9000, time.Hour)
		if err == nil && (!m.external.Addr().Is4() || m.external.Port() == 0) {
			t.Fatalf("%+v", m)
		}
	})
}

func FuzzSearchAnswer(f *testing.F) {
	from := netip.MustParseAddr("192.168.1.1")
	f.Add([]byte("HTTP/1.1 200 OK\r\nLOCATION: http://192.168.1.1:5000/d.xml\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nLocation: http://192.168.1.1.example/\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nLocation: http://[::ffff:192.168.1.1]/\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if u, err := parseSearchAnswer(b, from); err == nil {
			onDevice(t, u, from)
		}
	})
}

func FuzzDescription(f *testing.F) {
	from := netip.MustParseAddr("192.168.1.1")
	at := &url.URL{Scheme: "http", Host: "192.168.1.1:80", Path: "/d.xml"}
	const d = `<root xmlns="urn:schemas-upnp-org:device-1-0"><URLBase>BASE</URLBase><device><serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>CONTROL</controlURL></service></serviceList></device></root>`
	f.Add([]byte(d))
	f.Add([]byte(strings.ReplaceAll(d, "CONTROL", "http://10.0.0.1/c")))
	f.Add([]byte(strings.ReplaceAll(d, "CONTROL", "//10.0.0.1/c")))
	f.Add([]byte(strings.ReplaceAll(d, "BASE", "http://10.0.0.1/")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, u, err := parseDescription(b, at, from); err == nil {
			onDevice(t, u, from)
		}
	})
}

func onDevice(t *testing.T, u *url.URL, from netip.Addr) {
	t.Helper()
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil || ip.Unmap() != from || u.Scheme != "http" {
		t.Fatalf("%v is not on %v", u, from)
	}
}

func FuzzRoutes(f *testing.F) {
	f.Add(routes)
	f.Fuzz(func(t *testing.T, table string) {
		if ip := parseRoutes(table); ip.IsValid() && !ip.Is4() {
			t.Fatal(ip)
		}
	})
}

const routes = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth1	00000000	0102A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	0101A8C0	0003	0	0	100	00000000	0	0	0
eth0	00000000	00000000	0001	0	0	0	00000000	0	0	0
eth0	0001A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
`

func TestDefaultRouteWithTheLeastMetric(t *testing.T) {
	if got := parseRoutes(routes); got.String() != "192.168.1.1" {
		t.Error(got)
	}
	if got := parseRoutes("nothing"); got.IsValid() {
		t.Error(got)
	}
}
