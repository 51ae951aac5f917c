package filter

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// DCCPorts makes direct connections between clients lead through I2P. peer is a folded nick. Each method is for one
// message; the error's text is shown to the client.
type DCCPorts interface {
	// Offer opens an I2P port of the own destination that leads to a port where the client listens.
	Offer(ctx context.Context, peer string, port uint16) (host string, i2pPort uint16, err error)
	// Take opens a local address that leads to a port of a peer's destination.
	Take(ctx context.Context, peer, host string, port uint16) (local netip.AddrPort, err error)
	// Port is the other end of what Offer or Take opened: of an offer the client's port for ours or the reverse, of a taken
	// one the peer's for the local port or the reverse.
	Port(peer string, port uint16, way Way) (other uint16, ok bool)
}

// Way says which port of a connection is known and which is wanted.
type Way int

// The ways.
const (
	OfferedToPeer   Way = iota // the client's port -> the I2P port
	OfferedToClient            // the I2P port -> the client's port
	TakenToPeer                // the local port -> the peer's I2P port
	TakenToClient              // the peer's I2P port -> the local port
)

// dccMessage is what follows "DCC":
//
//	CHAT   chat host port [token]
//	SEND   file host port [size [token]]
//	RESUME file      port position [token]
//	ACCEPT file      port position [token]
//
// A file with spaces is in quotes. Port 0 with a token is a passive offer: the receiver shall listen.
type dccMessage struct {
	verb, file, host string
	port             uint16
	numbers          []string // size or position, token
}

func parseDCC(args string) (dccMessage, bool) {
	var d dccMessage
	verb, rest, _ := strings.Cut(args, " ")
	d.verb = strings.ToUpper(verb)
	var ok bool
	if d.file, rest, ok = dccFile(strings.TrimLeft(rest, " ")); !ok {
		return d, false
	}
	fields := strings.Fields(rest)
	switch d.verb {
	case "CHAT":
		d.file = "chat"
		fallthrough
	case "SEND":
		if len(fields) < 2 {
			return d, false
		}
		d.host, fields = fields[0], fields[1:]
	case "RESUME", "ACCEPT":
		if len(fields) < 2 {
			return d, false
		}
	default:
		return d, false
	}
	port, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil {
		return d, false
	}
	d.port, d.numbers = uint16(port), fields[1:]
	for _, n := range d.numbers {
		if len(n) > maxDigits || strings.Trim(n, "0123456789") != "" {
			return d, false
		}
	}
	most, passive := 2, 2
	if d.verb == "CHAT" {
		most, passive = 1, 1
	}
	return d, len(d.numbers) <= most && (d.port != 0 || len(d.numbers) == passive)
}

// dccFile takes the file name, without folders: they tell about the sender, and would lead the receiver astray.
func dccFile(args string) (name, rest string, ok bool) {
	if quoted, found := strings.CutPrefix(args, `"`); found {
		name, rest, ok = strings.Cut(quoted, `"`)
	} else {
		name, rest, ok = strings.Cut(args, " ")
	}
	name = strings.TrimSpace(name[strings.LastIndexAny(name, `/\`)+1:])
	if !ok || name == "" || name == "." || name == ".." || len(name) > maxFileName {
		return "", "", false
	}
	bad := strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' })
	return name, rest, !bad
}

// text is the CTCP message.
func (d dccMessage) text() string {
	file := d.file
	if strings.Contains(file, " ") {
		file = `"` + file + `"`
	}
	words := []string{d.verb, file}
	if d.verb == "CHAT" || d.verb == "SEND" {
		words = append(words, d.host)
	}
	words = append(append(words, strconv.Itoa(int(d.port))), d.numbers...)
	return ctcpText("DCC", strings.Join(words, " "))
}

// dcc decides about a DCC message in a PRIVMSG.
func (s *Session) dcc(ctx context.Context, dir Direction, m Message, args string) Verdict {
	d, ok := parseDCC(args)
	to := m.Params[0]
	if !ok || s.cfg.DCC == nil || m.Command != "PRIVMSG" || to == "" || strings.ContainsAny(to, "#&+!@%,*$") {
		return s.drop(dir, DCC)
	}
	var err error
	if dir == Outbound {
		err = s.dccOut(ctx, fold(to), &d)
	} else {
		err = s.dccIn(ctx, m.nick(), &d)
	}
	if err != nil {
		v := s.drop(dir, DCC)
		note := s.tell("DCC %s: %v", d.verb, err)
		if dir == Outbound {
			v.Reply = note
		} else {
			v.Forward = note
		}
		return v
	}
	s.cfg.Count(dir, DCCMapped)
	return pass(m.with(to, d.text()))
}

// noPort is the error of a message about a connection that is not there.
type noPort uint16

func (p noPort) Error() string { return "nothing was offered at port " + strconv.Itoa(int(p)) }

// dccOut replaces what the client wrote: its address by the own destination, its port by one of I2P.
func (s *Session) dccOut(ctx context.Context, peer string, d *dccMessage) (err error) {
	switch {
	case d.port == 0:
		d.host = "0"
		return nil
	case d.verb == "CHAT", d.verb == "SEND":
		d.host, d.port, err = s.cfg.DCC.Offer(ctx, peer, d.port)
		return err
	case d.verb == "RESUME":
		return s.mapPort(peer, d, TakenToPeer)
	}
	return s.mapPort(peer, d, OfferedToPeer)
}

// dccIn replaces what a peer wrote: its destination by a local address. Other hosts than a destination would make the client
// leave I2P.
func (s *Session) dccIn(ctx context.Context, peer string, d *dccMessage) error {
	switch {
	case d.port == 0:
		d.host = "0"
		return nil
	case d.verb == "RESUME":
		return s.mapPort(peer, d, OfferedToClient)
	case d.verb == "ACCEPT":
		return s.mapPort(peer, d, TakenToClient)
	}
	host := strings.ToLower(d.host)
	if !isBase32(host) {
		return errNotI2P
	}
	local, err := s.cfg.DCC.Take(ctx, peer, host, d.port)
	if err != nil {
		return err
	}
	d.host, d.port = dccHost(local.Addr()), local.Port()
	return nil
}

func (s *Session) mapPort(peer string, d *dccMessage, way Way) error {
	other, ok := s.cfg.DCC.Port(peer, d.port, way)
	if !ok {
		return noPort(d.port)
	}
	d.port = other
	return nil
}

// dccHost is an address as DCC has it: IPv4 as one number.
func dccHost(a netip.Addr) string {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(b[:])), 10)
	}
	return a.String()
}

// isBase32 tells whether host is 52 characters and ".b32.i2p".
func isBase32(host string) bool {
	hash, ok := strings.CutSuffix(host, ".b32.i2p")
	return ok && len(hash) == 52 && strings.Trim(hash, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

var errNotI2P = errors.New("the offer is not over I2P")
