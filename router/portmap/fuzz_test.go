package portmap

import (
	"bytes"
	"net/netip"
	"net/url"
	"strings"
	"testing"
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
