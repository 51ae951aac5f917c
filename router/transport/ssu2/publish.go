package ssu2

import (
	"net/netip"

	"clove.i2p/router/i2p"
)

const style = "SSU2"

// Presence is how much of one IP version is published.
type Presence uint8

// A direct address has a host and port, a firewalled one introducers, a hidden one keys only. With Automatic, Config.Advertise
// and the bound addresses decide. Absent: the IP version is not used at all.
const (
	Automatic Presence = iota
	Direct
	Firewalled
	Hidden
	Absent
)

// A Publication is what the published addresses shall say.
type Publication struct{ V4, V6 Family }

// A Family is one IP version.
type Family struct {
	Presence Presence
	At       netip.AddrPort // of Direct; port 0 stands for the bound port
}

// Publish replaces what is published. Addresses changes with it.
func (t *Transport) Publish(p Publication) {}

// Addresses are the RouterAddresses to publish.
func (t *Transport) Addresses() []i2p.RouterAddress { return nil }
