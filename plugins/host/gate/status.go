package gate

import (
	"cmp"
	"slices"
	"time"
)

// Connection is one row of the connection table.
type Connection struct {
	ID        uint64    `json:"id"`
	Tunnel    string    `json:"tunnel"`
	Plugin    string    `json:"plugin,omitempty"` // empty: it waits for a plugin
	Kind      string    `json:"kind"`             // i2p, local, clearnet, service, file, packets
	Direction string    `json:"direction"`        // in, out
	Peer      string    `json:"peer"`
	State     string    `json:"state"` // dialling, waiting (for a plugin), ticket (given to one), open
	Sent      uint64    `json:"sent"`  // bytes that the plugin wrote
	Received  uint64    `json:"received"`
	Opened    time.Time `json:"opened"`
}

// TunnelStatus is what a Gate knows of a tunnel.
type TunnelStatus struct {
	Name         string           `json:"name"`
	Type         string           `json:"type"`
	Address      string           `json:"address,omitempty"` // .b32.i2p name; empty while the destination is not open
	Ready        bool             `json:"ready"`
	Published    bool             `json:"published"`
	Open         int              `json:"open"`    // connections now
	Waiting      int              `json:"waiting"` // of these: for a plugin
	Total        uint64           `json:"total"`   // connections so far
	Sent         uint64           `json:"sent"`    // bytes of all connections
	Received     uint64           `json:"received"`
	Refused      uint64           `json:"refused"`         // over a limit
	Expired      uint64           `json:"expired"`         // nobody took them in time
	PacketsLost  uint64           `json:"packets_dropped"` // datagrams dropped: queue full, nobody there, or not allowed
	LogLost      uint64           `json:"log_dropped"`     // lines over the rate
	Destinations int              `json:"destinations"`    // open, with the isolated ones
	Listeners    []ListenerStatus `json:"listeners,omitempty"`
}

// ListenerStatus is a listener of a tunnel.
type ListenerStatus struct {
	ID      uint64 `json:"id"`
	Kind    string `json:"kind"`    // i2p, local, service, packets
	Address string `json:"address"` // what was bound; of a service: its name
	Held    bool   `json:"held"`    // a plugin process listens; else connections wait
}

// Connections lists the open connections by id, of one tunnel or ("") of all.
func (g *Gate) Connections(tunnel string) []Connection {
	out := []Connection{}
	for _, t := range g.all() {
		if tunnel != "" && t.name != tunnel {
			continue
		}
		for _, l := range t.open() {
			out = append(out, l.row())
		}
	}
	slices.SortFunc(out, func(a, b Connection) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Tunnels lists all tunnels by name.
func (g *Gate) Tunnels() []TunnelStatus {
	out := []TunnelStatus{}
	for _, t := range g.all() {
		out = append(out, t.status())
	}
	return out
}

// Tunnel is one of them.
func (g *Gate) Tunnel(name string) (TunnelStatus, bool) {
	t, err := g.tunnel(name)
	if err != nil {
		return TunnelStatus{}, false
	}
	return t.status(), true
}

func (t *tunnel) status() TunnelStatus {
	s := TunnelStatus{
		Name: t.name, Destinations: t.apart.open(), Total: t.total.Load(), Refused: t.refused.Load(), Expired: t.expired.Load(),
		PacketsLost: t.packetsLost.Load(), LogLost: t.logLost.Load(),
	}
	if t.home != nil {
		if dest := t.home.now(); dest != nil {
			now := dest.Status()
			s.Address, s.Ready, s.Published = dest.Address().Base32, now.Ready, now.Published
			s.Destinations++
		}
	}
	t.mu.Lock()
	s.Type = t.spec.Type
	s.Sent, s.Received = t.sentBefore, t.receivedBefore
	links := make([]*link, 0, len(t.links))
	for l := range t.links {
		links = append(links, l)
		s.Sent += l.sent.Load()
		s.Received += l.received.Load()
	}
	var all []*binding
	for _, l := range t.listeners {
		all = append(all, &l.binding)
	}
	var packets []*binding
	for _, p := range t.sockets {
		packets = append(packets, &p.binding)
	}
	t.mu.Unlock()
	for _, l := range links {
		s.Open++
		if l.row().State == stateNames[waiting] {
			s.Waiting++
		}
	}
	for _, b := range all {
		s.Listeners = append(s.Listeners, b.status())
	}
	for _, b := range packets {
		row := b.status()
		row.Kind = kindPackets
		s.Listeners = append(s.Listeners, row)
	}
	slices.SortFunc(s.Listeners, func(a, b ListenerStatus) int { return cmp.Compare(a.ID, b.ID) })
	return s
}
