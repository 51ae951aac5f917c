package socks

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/relay"
)

// Reply codes of SOCKS 4.
const (
	granted4  = 90
	rejected4 = 91
	userID4   = 93 // rejected because of the user
)

var errField = errors.New("socks: field longer than 255 bytes")

// request4 is what follows the version byte.
//
//	command 1 | port 2 | IPv4 4 | user id, 0 | (if the address is 0.0.0.x, x not 0:) host name, 0
type request4 struct {
	command byte
	port    int
	host    string
	user    string
}

func parse4(c interface{ ReadByte() (byte, error) }) (request4, error) {
	var fixed [7]byte
	for i := range fixed {
		b, err := c.ReadByte()
		if err != nil {
			return request4{}, err
		}
		fixed[i] = b
	}
	r := request4{command: fixed[0], port: int(fixed[1])<<8 | int(fixed[2])}
	ip := [4]byte(fixed[3:])
	var err error
	if r.user, err = field4(c); err != nil {
		return request4{}, err
	}
	if ip[0]|ip[1]|ip[2] == 0 && ip[3] != 0 {
		r.host, err = field4(c)
	} else {
		r.host = netip.AddrFrom4(ip).String()
	}
	return r, err
}

func field4(c interface{ ReadByte() (byte, error) }) (string, error) {
	var field []byte
	for {
		b, err := c.ReadByte()
		if err != nil {
			return "", err
		}
		if b == 0 {
			return string(field), nil
		}
		if len(field) == maxField {
			return "", errField
		}
		field = append(field, b)
	}
}

func (s *Server) serve4(ctx context.Context, c *proxies.Client) {
	r, err := parse4(c)
	if errors.Is(err, errField) {
		s.refuse4(c, proxies.ReasonBadRequest, rejected4)
		return
	}
	if err != nil {
		return
	}
	s.counters.Request()
	switch {
	case s.guard.Required():
		s.refuse4(c, proxies.ReasonUnauthorized, userID4)
		return
	case r.command != 1:
		s.refuse4(c, proxies.ReasonBadRequest, rejected4)
		return
	}
	stream, err := s.open(ctx, c, r.host, r.port, proxies.Credentials{User: r.user})
	if err != nil {
		s.refuse4(c, proxies.Classify(err), rejected4)
		return
	}
	defer stream.Close()
	if s.reply4(c, granted4) == nil {
		s.relay(ctx, c, stream)
	}
}

func (s *Server) refuse4(c *proxies.Client, reason proxies.Reason, code byte) {
	s.fail(reason)
	if s.reply4(c, code) == nil {
		relay.Drain(c)
	}
}

func (s *Server) reply4(c *proxies.Client, code byte) error {
	_ = c.SetWriteDeadline(time.Now().Add(replyTime))
	_, err := c.Write([]byte{0, code, 0, 0, 0, 0, 0, 0})
	return err
}
