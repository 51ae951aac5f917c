package sdk

import (
	"log/slog"
	"net"

	"clove.i2p/plugins/api/pb"
)

// Address of a destination.
type Address struct {
	Base32 string // with .b32.i2p, 60 characters
	Base64 string // the whole destination; empty where it is not known
}

func (a Address) String() string { return a.Base32 }

// LogValue prints six characters: logs name no destination.
func (a Address) LogValue() slog.Value { return slog.StringValue(shorten(a.Base32)) }

// Addr is an address of I2P or of a local or clearnet peer: Net is "i2p", "tcp" or "udp", Address host:port.
type Addr struct {
	Net     string
	Address string
}

var _ net.Addr = Addr{}

// Network implements net.Addr.
func (a Addr) Network() string { return a.Net }

// String is host:port, as net.SplitHostPort takes it.
func (a Addr) String() string { return a.Address }

// LogValue prints six characters of an I2P address.
func (a Addr) LogValue() slog.Value {
	if a.Net == "i2p" {
		return slog.StringValue(shorten(a.Address))
	}
	return slog.StringValue(a.Address)
}

func shorten(s string) string {
	if len(s) > 6 {
		return s[:6] + "..."
	}
	return s
}

func addressOf(a *pb.Address) Address {
	return Address{Base32: a.GetBase32(), Base64: a.GetBase64()}
}
