package control

import (
	"fmt"
	"time"

	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/sandbox"
	"clove.i2p/proxies"
	"clove.i2p/router"
	"clove.i2p/router/i2p"
	"clove.i2p/router/portmap"
	"clove.i2p/router/reachability"
	"clove.i2p/router/transport"
	"clove.i2p/router/tunnel/pool"
)

// Status is what a running clove does, as JSON.
type Status struct {
	// Version is that of the protocol.
	Version       string    `json:"version"`
	RouterHash    string    `json:"router_hash"`
	NetworkID     int       `json:"network_id"`
	Caps          string    `json:"caps"`
	Ready         bool      `json:"ready"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	SkewSeconds   float64   `json:"skew_seconds"`
	HTTPProxy     string    `json:"http_proxy,omitempty"`
	SOCKSProxy    string    `json:"socks_proxy,omitempty"`
	Addresses     []Address `json:"addresses"`
	// Reachability tells for each IP version whether others can connect to us.
	Reachability []Reachability `json:"reachability"`
	PortMappings []PortMapping  `json:"port_mappings"`
	// Listening are the ports of the transports; Sockets tells of each UDP socket how it moves packets, and its buffers.
	Listening []Listening `json:"listening"`
	Sockets   []string    `json:"udp_sockets"`
	// Upstream is the proxy of router.upstream.
	Upstream *Upstream `json:"upstream,omitempty"`
	// Bans are routers that clove does not speak with for a while, for what they did.
	Bans         []Ban                    `json:"bans"`
	Sessions     []Session                `json:"sessions"`
	Exploratory  []Tunnel                 `json:"exploratory_tunnels"`
	Destinations []Destination            `json:"destinations"`
	Transit      TransitStatus            `json:"transit"`
	Stats        router.Stats             `json:"stats"`
	Process      Process                  `json:"process"`
	Proxies      map[string]proxies.Stats `json:"proxies"` // by name: http, socks
	// Tunnels of the plugins, and how well plugins are confined on this machine.
	Tunnels []host.TunnelStatus `json:"plugin_tunnels"`
	Sandbox *sandbox.Capability `json:"sandbox,omitempty"`
}

// Process is what clove costs its machine.
type Process struct {
	Goroutines      int     `json:"goroutines"`
	FileDescriptors int     `json:"file_descriptors"`
	HeapBytes       uint64  `json:"heap_bytes"`
	CPUSeconds      float64 `json:"cpu_seconds"`
}

// Address is one that the router publishes.
type Address struct {
	Style string `json:"style"`
	Host  string `json:"host,omitempty"`
	Port  uint16 `json:"port,omitempty"`
	// Introducers are how many routers introduce others to us; PostQuantum are the hybrid handshakes, as proposal 169 numbers them.
	Introducers int    `json:"introducers,omitempty"`
	PostQuantum string `json:"post_quantum,omitempty"`
}

// Listening is a port that a transport is bound to.
type Listening struct {
	Style   string `json:"style"`
	Network string `json:"network"` // TCP, UDP
	Address string `json:"address"`
}

// Upstream is a proxy without user and password, and what is wrong with it.
type Upstream struct {
	Proxy string `json:"proxy"`
	Error string `json:"error,omitempty"`
}

// Ban is a router that clove does not speak with.
type Ban struct {
	Peer    string  `json:"peer"`
	Reason  string  `json:"reason"`
	Seconds float64 `json:"seconds"` // left
}

// Reachability is what others can do over one IP version.
type Reachability struct {
	Family   string `json:"family"` // IPv4, IPv6
	State    string `json:"state"`  // unknown, ok, firewalled, symmetric, hidden, disabled
	External string `json:"external,omitempty"`
	Reason   string `json:"reason"`
	// Next is what the user can do about it; empty for nothing.
	Next string `json:"next,omitempty"`
	// Seconds since the state is so.
	Seconds float64 `json:"seconds"`
	// What was counted: peer tests that reached us, that did not, that found a symmetric NAT; strangers that connected;
	// peers that told our address.
	Reached   int `json:"tests_reached"`
	Blocked   int `json:"tests_blocked"`
	Symmetric int `json:"tests_symmetric"`
	Inbound   int `json:"inbound"`
	Seen      int `json:"seen"`
}

// PortMapping is one port that the home router forwards, or does not.
type PortMapping struct {
	Port         string  `json:"port"` // "UDP 1234"
	Protocol     string  `json:"protocol"`
	External     string  `json:"external,omitempty"`
	LeaseSeconds float64 `json:"lease_seconds,omitempty"`
	Public       bool    `json:"public"`
	Error        string  `json:"error,omitempty"`
}

// Session is a link with a peer.
type Session struct {
	Peer      string  `json:"peer"`
	Style     string  `json:"style"`
	Crypto    string  `json:"crypto"`
	Direction string  `json:"direction"`
	Seconds   float64 `json:"seconds"`
	BytesIn   uint64  `json:"bytes_in"`
	BytesOut  uint64  `json:"bytes_out"`
	Dropped   uint64  `json:"dropped"`
}

// Tunnel is one of our own. Hops are router hashes in the order that messages pass them.
type Tunnel struct {
	Direction string   `json:"direction"`
	ID        uint32   `json:"id"`
	Hops      []string `json:"hops"`
	ExpiresIn float64  `json:"expires_in_seconds"`
	Tested    bool     `json:"tested"`
	LatencyMS float64  `json:"latency_ms,omitempty"`
	Messages  uint64   `json:"messages"`
	Bytes     uint64   `json:"bytes"`
}

// Destination is one hosted here.
type Destination struct {
	Address string   `json:"address"`
	Ready   bool     `json:"ready"`
	Streams int      `json:"streams"`
	Tunnels []Tunnel `json:"tunnels"`
	Stats   any      `json:"stats"`
	// Streaming counts what the streams did.
	Streaming any `json:"streaming"`
}

// TransitStatus sums other routers' tunnels up; there is no list, since nobody needs one.
type TransitStatus struct {
	Tunnels int `json:"tunnels"`
	Stats   any `json:"stats"`
}

// NewStatus translates a router's status.
func NewStatus(s router.Status, now time.Time) Status {
	out := Status{
		Version: s.Version, RouterHash: s.Hash.String(), NetworkID: s.NetworkID, Caps: s.Caps, Ready: s.Ready,
		UptimeSeconds: now.Sub(s.Started).Seconds(), SkewSeconds: s.Skew.Seconds(), Stats: s.Stats,
		Addresses: []Address{}, Reachability: []Reachability{}, PortMappings: []PortMapping{},
		Listening: []Listening{}, Sockets: append([]string{}, s.Sockets...), Bans: []Ban{}, Sessions: []Session{}, Exploratory: tunnels(s.Exploratory, now), Destinations: []Destination{},
		Proxies: map[string]proxies.Stats{}, Transit: TransitStatus{Tunnels: len(s.Transit), Stats: s.Stats.Transit},
	}
	if u := s.Upstream; u != nil {
		out.Upstream = &Upstream{Proxy: u.Proxy}
		if u.Failure != nil {
			out.Upstream.Error = u.Failure.Error()
		}
	}
	for _, a := range s.Addresses {
		address := Address{Style: a.Style, Port: a.Port()}
		if a.Host().IsValid() {
			address.Host = a.Host().String()
		}
		for _, option := range []string{"ih0", "ih1", "ih2"} {
			if a.Options.Get(option) != "" {
				address.Introducers++
			}
		}
		address.PostQuantum = a.Options.Get("pq")
		out.Addresses = append(out.Addresses, address)
	}
	for _, r := range s.Reachability {
		report := reachable(r, now)
		report.Next = advice(s, r, now)
		out.Reachability = append(out.Reachability, report)
	}
	for _, p := range s.Ports {
		out.Listening = append(out.Listening, Listening{Style: p.Style, Network: p.Network(), Address: p.At.String()})
	}
	for _, b := range s.Bans {
		out.Bans = append(out.Bans, Ban{Peer: b.Peer.String(), Reason: b.Reason.String(), Seconds: b.Until.Sub(now).Seconds()})
	}
	for _, m := range s.Mappings {
		out.PortMappings = append(out.PortMappings, mapping(m))
	}
	for _, l := range s.Sessions {
		out.Sessions = append(out.Sessions, session(l, now))
	}
	for _, d := range s.Destinations {
		out.Destinations = append(out.Destinations, Destination{
			Address: d.Hash.Base32(), Ready: d.Ready, Streams: d.Streams, Tunnels: tunnels(d.Tunnels, now), Stats: d.Stats,
			Streaming: d.Streaming,
		})
	}
	return out
}

var families = map[reachability.Family]string{reachability.V4: "IPv4", reachability.V6: "IPv6"}

func reachable(r reachability.Report, now time.Time) Reachability {
	out := Reachability{
		Family: families[r.Family], State: r.State.String(), Reason: r.Reason, Seconds: now.Sub(r.Since).Seconds(), Reached: r.Reached, Blocked: r.Blocked,
		Symmetric: r.Evidence.Symmetric, Inbound: r.Inbound, Seen: r.Seen,
	}
	if r.External.IsValid() {
		out.External = r.External.String()
	}
	return out
}

func mapping(m portmap.State) PortMapping {
	out := PortMapping{
		Port: fmt.Sprintf("%s %d", m.Port.Transport, m.Port.Internal), Protocol: m.Protocol.String(), LeaseSeconds: m.Lease.Seconds(),
		Public: m.Public(),
	}
	if m.External.IsValid() {
		out.External = m.External.String()
	}
	if m.Err != nil {
		out.Error = m.Err.Error()
	}
	return out
}

func session(s transport.SessionStatus, now time.Time) Session {
	return Session{
		Peer: s.Peer.String(), Style: s.Style, Crypto: s.Crypto, Direction: s.Direction.String(), Seconds: now.Sub(s.Since).Seconds(),
		BytesIn: s.BytesIn, BytesOut: s.BytesOut, Dropped: s.Dropped,
	}
}

func tunnels(all []pool.Status, now time.Time) []Tunnel {
	out := []Tunnel{}
	for _, t := range all {
		out = append(out, Tunnel{
			Direction: t.Direction.String(), ID: uint32(t.ID), Hops: hashes(t.Hops), ExpiresIn: t.Expires.Sub(now).Seconds(),
			Tested: t.Tested, LatencyMS: float64(t.Latency) / float64(time.Millisecond), Messages: t.Messages, Bytes: t.Bytes,
		})
	}
	return out
}

func hashes(all []i2p.Hash) []string {
	out := []string{}
	for _, h := range all {
		out = append(out, h.String())
	}
	return out
}
