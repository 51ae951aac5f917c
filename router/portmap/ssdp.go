package portmap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// searchTargets are what is searched for (UPnP Device Architecture, section 1.3.2).
var searchTargets = []string{
	"urn:schemas-upnp-org:device:InternetGatewayDevice:1", "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
}

// searchSSDP asks the network for gateways, for timings.search, and returns where those that answered have their descriptions: each on
// the host that the answer came from. With a router that is valid, only its answers count.
func (m *Mapper) searchSSDP(ctx context.Context, router netip.Addr) ([]*url.URL, error) {
	local := m.local(router)
	if !local.IsValid() {
		local = netip.IPv4Unspecified()
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return nil, fmt.Errorf("search for UPnP: %w", err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, m.times.search)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	for _, target := range searchTargets {
		_, err = conn.WriteToUDPAddrPort([]byte("M-SEARCH * HTTP/1.1\r\nHOST: "+m.cfg.Search.String()+
			"\r\nST: "+target+"\r\nMAN: \"ssdp:discover\"\r\nMX: "+strconv.Itoa(max(int(m.times.search/time.Second)-1, 1))+"\r\n\r\n"), m.cfg.Search)
		if err != nil {
			return nil, fmt.Errorf("search for UPnP: %w", err)
		}
	}
	var found []*url.URL
	var b [maxSearch]byte
	for range maxAnswers {
		n, from, err := conn.ReadFromUDPAddrPort(b[:])
		if err != nil {
			break // the time is over
		}
		if router.IsValid() && from.Addr().Unmap() != router {
			continue
		}
		at, err := parseSearchAnswer(b[:n], from.Addr().Unmap())
		if err != nil || slices.ContainsFunc(found, func(o *url.URL) bool { return *o == *at }) {
			continue
		}
		if found = append(found, at); len(found) == maxDevices || router.IsValid() {
			break // the gateway has answered: nobody else counts
		}
	}
	return found, nil
}

var errForeignURL = errors.New("URL is not on the device itself")

// parseSearchAnswer reads the answer of a device, and returns the URL of its description.
func parseSearchAnswer(b []byte, from netip.Addr) (*url.URL, error) {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		return nil, err
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", r.StatusCode)
	}
	at := r.Header.Get("Location")
	if at == "" || len(at) > maxURL {
		return nil, errForeignURL
	}
	u, err := url.Parse(at)
	if err != nil || !isOn(u, from) {
		return nil, errForeignURL
	}
	return u, nil
}

// isOn tells whether a URL is one of plain HTTP on a host, written as an address.
func isOn(u *url.URL, host netip.Addr) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.Unmap() == host && u.Scheme == "http" && u.User == nil && u.Opaque == "" && u.Host != "" &&
		!ip.IsUnspecified() && len(u.Path)+len(u.RawQuery) <= maxURL
}
