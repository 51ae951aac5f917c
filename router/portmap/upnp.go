package portmap

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/soap"
)

// services map ports, the better first.
var services = []string{
	"urn:schemas-upnp-org:service:WANIPConnection:2",
	"urn:schemas-upnp-org:service:WANIPConnection:1",
	"urn:schemas-upnp-org:service:WANPPPConnection:1",
}

// Error codes of WANIPConnection.
const (
	errorConflict      = 718 // ConflictInMappingEntry
	errorSamePort      = 724 // SamePortValuesRequired
	errorPermanentOnly = 725 // OnlyPermanentLeasesSupported
	errorConflictOther = 729 // ConflictWithOtherMechanisms
)

// errTaken: others hold the external port, and those that were asked for instead.
var errTaken = errors.New("external ports are taken")

// A upnp is a gateway that is a UPnP Internet Gateway Device.
type upnp struct {
	host      netip.Addr
	port      uint16
	local     netip.Addr
	service   string
	soap      *soap.SOAPClient
	times     timings
	permanent bool // it said that it has permanent leases only
}

// A upnpError is the code that a device refused an action with.
type upnpError int

func (e upnpError) Error() string { return fmt.Sprintf("gateway says: UPnP error %d", int(e)) }

// searchUPnP finds devices and reads their descriptions.
func (m *Mapper) searchUPnP(ctx context.Context, router netip.Addr) ([]gateway, error) {
	found, err := m.searchSSDP(ctx, router)
	if err != nil {
		return nil, err
	}
	var all []gateway
	var errs []error
	for _, at := range found {
		g, err := m.describe(ctx, at)
		if err != nil {
			errs = append(errs, fmt.Errorf("UPnP device %v: %w", at.Hostname(), err))
			continue
		}
		all = append(all, g)
	}
	return all, errors.Join(errs...)
}

// describe reads the description of a device.
func (m *Mapper) describe(ctx context.Context, at *url.URL) (*upnp, error) {
	host, err := netip.ParseAddr(at.Hostname())
	if err != nil {
		return nil, errForeignURL
	}
	host = host.Unmap()
	client := m.httpClient(host)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, short(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, short(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("description: status %d", answer.StatusCode)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, short(err)
	}
	service, control, err := parseDescription(body, at, host)
	if err != nil {
		return nil, err
	}
	local := m.local(host)
	if !local.IsValid() {
		return nil, errors.New("no address of ours leads there")
	}
	if m.bypassed(local) {
		return nil, ErrBypassed
	}
	port, _ := strconv.ParseUint(control.Port(), 10, 16)
	if port == 0 {
		port = 80
	}
	c := soap.NewSOAPClient(*control)
	c.HTTPClient = *client
	return &upnp{host: host, port: uint16(port), local: local, service: service, soap: c, times: m.times}, nil
}

// parseDescription finds the service that maps ports in a description, and the URL that controls it: on the device itself.
func parseDescription(body []byte, at *url.URL, host netip.Addr) (service string, control *url.URL, err error) {
	var root goupnp.RootDevice
	if err := xml.Unmarshal(body, &root); err != nil {
		return "", nil, short(fmt.Errorf("description: %w", err))
	}
	base := at
	if root.URLBaseStr != "" { // of version 1.0
		if u, err := url.Parse(root.URLBaseStr); err == nil && isOn(u, host) {
			base = u
		}
	}
	err = errors.New("description without a service that maps ports")
	for _, kind := range services {
		for _, s := range root.Device.FindService(kind) {
			s.ControlURL.SetURLBase(base)
			if u := s.ControlURL.URL; s.ControlURL.Ok && isOn(&u, host) {
				return kind, &u, nil
			}
			err = errForeignURL
		}
	}
	return "", nil, err
}

// httpClient speaks with one host only, directly, follows nothing, and bounds time and size.
func (m *Mapper) httpClient(host netip.Addr) *http.Client {
	local := m.cfg.Local
	return &http.Client{
		Timeout:       m.times.answer,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: bounded{&http.Transport{
			DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeaders,
			DialContext: func(ctx context.Context, _, to string) (net.Conn, error) {
				at, err := netip.ParseAddrPort(to)
				if err != nil || at.Addr().Unmap() != host {
					return nil, errForeignURL
				}
				d := net.Dialer{KeepAlive: -1}
				if local.IsValid() {
					d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
				}
				return d.DialContext(ctx, "tcp4", at.String())
			},
		}},
	}
}

// bounded ends bodies at maxBody with an error.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxBody)
	}
	return answer, err
}

func (g *upnp) protocol() Protocol   { return UPnP }
func (g *upnp) addr() netip.AddrPort { return netip.AddrPortFrom(g.host, g.port) }

// add maps a port. Where another host has the external port, or a rule of the gateway, it asks for others by chance; where
// leases are not possible, for one without end.
func (g *upnp) add(ctx context.Context, p Port, external uint16, lease time.Duration) (m mapping, err error) {
	ip, err := g.externalIP(ctx)
	if err != nil {
		return m, err
	}
	for try := 0; try < maxPortTries; {
		if g.permanent {
			lease = 0
		}
		err = g.addMapping(ctx, p, external, lease)
		var code upnpError
		switch {
		case err == nil:
			return mapping{netip.AddrPortFrom(ip, external), lease}, nil
		case !errors.As(err, &code):
			return m, err
		case code == errorPermanentOnly && !g.permanent:
			g.permanent = true
			continue
		case code == errorSamePort && external != p.Internal:
			external = p.Internal
		case code == errorConflict || code == errorConflictOther:
			external = uint16(20000 + rand.IntN(40000))
		default:
			return m, err
		}
		try++
	}
	return m, fmt.Errorf("%w: %d tried: %w", errTaken, maxPortTries, err)
}

func (g *upnp) addMapping(ctx context.Context, p Port, external uint16, lease time.Duration) error {
	return g.perform(ctx, "AddPortMapping", &struct {
		NewRemoteHost, NewExternalPort, NewProtocol, NewInternalPort, NewInternalClient, NewEnabled string
		NewPortMappingDescription, NewLeaseDuration                                                 string
	}{
		"", strconv.Itoa(int(external)), p.Transport.String(), strconv.Itoa(int(p.Internal)), g.local.String(), "1",
		// Says nothing about what listens there.
		p.Transport.String() + " " + strconv.Itoa(int(p.Internal)), strconv.Itoa(int(seconds(lease))),
	}, nil)
}

func (g *upnp) remove(ctx context.Context, p Port, external uint16) error {
	return g.perform(ctx, "DeletePortMapping", &struct{ NewRemoteHost, NewExternalPort, NewProtocol string }{
		"", strconv.Itoa(int(external)), p.Transport.String(),
	}, nil)
}

func (g *upnp) externalIP(ctx context.Context) (netip.Addr, error) {
	var answer struct{ NewExternalIPAddress string }
	if err := g.perform(ctx, "GetExternalIPAddress", nil, &answer); err != nil {
		return netip.Addr{}, err
	}
	ip, err := netip.ParseAddr(answer.NewExternalIPAddress)
	if err != nil || !ip.Unmap().Is4() {
		return netip.Addr{}, errors.New("the gateway has no external IPv4 address")
	}
	return ip.Unmap(), nil
}

// perform runs an action: arguments and answer are structs of strings, or nil.
func (g *upnp) perform(ctx context.Context, action string, arguments, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, g.times.answer)
	defer cancel()
	err := g.soap.PerformActionCtx(ctx, g.service, action, arguments, answer)
	var fault *soap.SOAPFaultError
	if errors.As(err, &fault) {
		return fmt.Errorf("%s: %w", action, upnpError(fault.Detail.UPnPError.Errorcode))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", action, short(err))
	}
	return nil
}

// short bounds what of a device's words gets into logs and status.
func short(err error) error {
	if s := err.Error(); len(s) > maxErrorText {
		return fmt.Errorf("%.*q", maxErrorText, s)
	}
	return err
}
