package control

import (
	"time"

	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/sandbox"
	"clove.i2p/proxies"
	"clove.i2p/router"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/tunnel/pool"
)

// Status is what a running clove does, as JSON.
type Status struct {
	// Version is that of the protocol.
	Version       string                   `json:"version"`
	RouterHash    string                   `json:"router_hash"`
	NetworkID     int                      `json:"network_id"`
	Caps          string                   `json:"caps"`
	Ready         bool                     `json:"ready"`
	UptimeSeconds float64                  `json:"uptime_seconds"`
	SkewSeconds   float64                  `json:"skew_seconds"`
	HTTPProxy     string                   `json:"http_proxy,omitempty"`
	SOCKSProxy    string                   `json:"socks_proxy,omitempty"`
	Addresses     []Address                `json:"addresses"`
	Sessions      []Session                `json:"sessions"`
	Exploratory   []Tunnel                 `json:"exploratory_tunnels"`
	Destinations  []Destination            `json:"destinations"`
	Transit       TransitStatus            `json:"transit"`
	Stats         router.Stats             `json:"stats"`
	Process       Process                  `json:"process"`
	Proxies       map[string]proxies.Stats `json:"proxies"` // by name: http, socks
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
}

// Session is a link with a peer.
type Session struct {
	Peer      string  `json:"peer"`
	Style     string  `json:"style"`
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
		Addresses: []Address{}, Sessions: []Session{}, Exploratory: tunnels(s.Exploratory, now), Destinations: []Destination{},
		Proxies: map[string]proxies.Stats{}, Transit: TransitStatus{Tunnels: len(s.Transit), Stats: s.Stats.Transit},
	}
	for _, a := range s.Addresses {
		address := Address{Style: a.Style, Port: a.Port()}
		if a.Host().IsValid() {
			address.Host = a.Host().String()
		}
		out.Addresses = append(out.Addresses, address)
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

func session(s transport.SessionStatus, now time.Time) Session {
	return Session{
		Peer: s.Peer.String(), Style: s.Style, Direction: s.Direction.String(), Seconds: now.Sub(s.Since).Seconds(),
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
