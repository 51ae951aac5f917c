package gate

import "time"

// Connection is one row of the connection table.
type Connection struct {
	ID        uint64    `json:"id"`
	Tunnel    string    `json:"tunnel"`
	Plugin    string    `json:"plugin,omitempty"` // empty: it waits for a plugin
	Kind      string    `json:"kind"`             // i2p, local, clearnet, service, file, packets
	Direction string    `json:"direction"`        // in, out
	Peer      string    `json:"peer"`
	State     string    `json:"state"` // waiting (for a plugin), ticket (given to one), open
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
