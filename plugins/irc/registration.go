package main

import (
	"errors"
	"net"
	"time"

	"clove.i2p/plugins/irc/filter"
	"clove.i2p/plugins/sdk"
	"clove.i2p/proxies/relay"
)

// registration is a client's connection to irc-server. Reading from it gives whole lines until USER, whose host is replaced, and
// then all as it comes. Before USER a client may not pass for a server or for a gateway, and has registrationLines lines and
// registrationTime.
type registration struct {
	net.Conn
	host string // that USER gets; empty: its own
	fail *sdk.Counter

	reader *filter.Reader // nil once it is over
	lines  int
	ready  []byte // read, not given yet
}

var errNotClient = errors.New("not an IRC client")

func newRegistration(c net.Conn, host string, fail *sdk.Counter) *registration {
	_ = c.SetReadDeadline(time.Now().Add(registrationTime))
	return &registration{Conn: c, host: host, fail: fail, reader: filter.NewReader(c)}
}

// NetConn is the connection itself.
func (r *registration) NetConn() net.Conn { return r.Conn }

// CloseWrite ends the direction to the client.
func (r *registration) CloseWrite() error { return relay.CloseWrite(r.Conn) }

// Read gives what the local server is to get.
func (r *registration) Read(p []byte) (int, error) {
	for len(r.ready) == 0 && r.reader != nil {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	if len(r.ready) > 0 {
		n := copy(p, r.ready)
		r.ready = r.ready[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

// next takes one line.
func (r *registration) next() error {
	line, err := r.reader.Next()
	if err != nil && !errors.Is(err, filter.ErrTooLong) {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return r.refuse("no USER for too long")
		}
		return err
	}
	if r.lines++; r.lines > registrationLines {
		return r.refuse("too many lines before USER")
	}
	m, err := filter.Parse(line)
	if err != nil {
		return nil // dropped, and counted
	}
	switch m.Command {
	case "SERVER", "WEBIRC":
		return r.refuse(m.Command + " is not for clients")
	case "USER":
		if len(m.Params) < 4 {
			break
		}
		if r.host != "" {
			m.Params[1] = r.host
		}
		r.ready = append(m.Append(nil), "\r\n"...)
		r.ready = append(r.ready, r.reader.Rest()...)
		r.reader = nil
		return r.SetReadDeadline(time.Time{})
	}
	r.ready = append(m.Append(nil), "\r\n"...)
	return nil
}

func (r *registration) refuse(why string) error {
	r.fail.Add(1)
	goodbye(r.Conn, "ERROR :"+why)
	return errNotClient
}
