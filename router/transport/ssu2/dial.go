package ssu2

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/wire"
)

// A dial is Alice's side of a handshake. It runs on the goroutine that called Dial, which sleeps but for packets and its
// timer; the reader hands it what comes from the peer.
//
//	TokenRequest -> Retry -> SessionRequest -> SessionCreated -> session, which sends SessionConfirmed until it is acked
//
// With a token that an earlier session left, the first exchange is saved; if the peer has forgotten it, a Retry gives another.
type dial struct {
	s       *server
	l       *link
	ri      *i2p.RouterInfo
	peer    i2p.Hash
	at      netip.AddrPort
	target  target
	id      wire.ConnectionID // ours
	remote  wire.ConnectionID // the peer's; zero: random
	intro   *wire.HeaderKey   // the peer's
	variant wire.Variant

	packets     chan []byte   // from the reader
	crossed     chan *session // the peer has opened one to us
	tooLong     chan struct{} // a packet was too long for the system
	established chan struct{} // closed with session set
	session     *session

	hs      *wire.Initiator
	before  *wire.Initiator // as it was for the token before this one
	token   wire.Token
	fresh   bool // the token was made for this dial: by a Retry, or in an introduction
	retries int
	sentAt  time.Time
	sends   int
	asked   time.Time // when the first SessionRequest with this token was sent; zero before
	last    bool      // it does not start over
	flight  []byte    // the last packet
}

// A way is how to reach a peer: its address, perhaps with a token, as from a relay.
type way struct {
	at    netip.AddrPort
	token wire.Token
	plain bool                  // no hybrid handshake
	moved <-chan netip.AddrPort // nil, or where it turns out to be
	// id and remote are the connection IDs of an introduction, ours and the peer's; zero: random ones.
	id, remote wire.ConnectionID
}

// dial opens a session with one address of a peer.
func (s *server) dial(ctx context.Context, ri *i2p.RouterInfo, to target, by way) (*session, error) {
	link := s.linkFor(by.at.Addr())
	if link == nil {
		return nil, transport.ErrNoAddress
	}
	if s.table.count() >= s.cfg.MaxSessions {
		return nil, transport.ErrBusy
	}
	if s.cfg.Self() == nil {
		return nil, errors.New("ssu2: no RouterInfo of our own yet")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.HandshakeTimeout, errTimeout)
	defer cancel()
	s.contact(by.at, time.Now())
	for try := 0; ; try++ {
		d := &dial{
			s: s, l: link, ri: ri, peer: ri.Hash(), at: by.at, target: to, id: by.id, remote: by.remote, intro: wire.NewHeaderKey(to.intro),
			packets: make(chan []byte, maxHeldDial), crossed: make(chan *session, 1), tooLong: make(chan struct{}, 1),
			established: make(chan struct{}), token: by.token, fresh: by.token != 0, last: try >= maxRestarts, variant: s.choose(to, by),
		}
		if err := s.table.enterDial(d); err != nil {
			return nil, err
		}
		sn, err := d.run(ctx, by.moved)
		if err == nil && sn == d.session {
			return sn, nil // it leaves the table when SessionConfirmed has arrived
		}
		s.table.leaveDial(d)
		var again *startOver
		switch {
		case errors.As(err, &again):
			by.at, by.token, by.plain = again.at, again.token, by.plain || again.plain
			if !again.unseen {
				by.id, by.remote = 0, 0
			}
		case err != nil:
			return nil, fmt.Errorf("ssu2: dial: %w", err)
		default:
			return sn, nil
		}
	}
}

// A startOver ends a handshake that has to begin anew, with other connection IDs if the peer may have seen these.
type startOver struct {
	at     netip.AddrPort
	token  wire.Token
	plain  bool
	unseen bool // the peer saw nothing of it
}

func (*startOver) Error() string { return "ssu2: handshake starts over" }

// choose is the handshake for a dial.
func (s *server) choose(to target, by way) wire.Variant {
	if by.plain {
		return wire.Plain
	}
	return s.t.variantFor(to, by.at.Addr())
}

// variantFor is the best handshake that both sides have and whose packets fit the path as far as we know it: our MTU and that of
// the peer's address.
func (t *Transport) variantFor(to target, ip netip.Addr) wire.Variant {
	room := maxPacket(ip, min(t.mtu(ip), to.mtu))
	for _, v := range t.variants {
		if slices.Contains(to.variants, v) && v.RequestOverhead()+requestPayload <= room {
			return v
		}
	}
	return wire.Plain
}

// requestPayload is the least payload of SessionRequest that we send: DateTime, RelayTagRequest and an empty Padding.
const requestPayload = 7 + 3 + 3

// packet hands over a packet; what does not fit is lost.
func (d *dial) packet(p []byte) {
	select {
	case <-d.established:
		d.session.repeatConfirmed() // SessionCreated again: our answer was lost
	default:
		select {
		case d.packets <- p:
		default:
		}
	}
}

// tooLong tells the dials to an address that the system refused a packet to it for its length.
func (s *server) tooLong(to netip.AddrPort) {
	for _, d := range s.table.dialsAt(to, nil) {
		select {
		case d.tooLong <- struct{}{}:
		default:
		}
	}
}

// run is the handshake up to the session.
func (d *dial) run(ctx context.Context, moved <-chan netip.AddrPort) (*session, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	interval := d.firstInterval()
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		before := d.flight
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case sn := <-d.crossed:
			d.s.c.crossed.Add(1)
			return sn, nil
		case at := <-moved:
			if at != d.at && !d.last {
				return nil, &startOver{at: at, token: d.token, unseen: true}
			}
		case <-d.tooLong:
			if d.variant != wire.Plain && !d.asked.IsZero() { // the peer saw nothing of that request
				d.variant, d.before = wire.Plain, nil
				if err := d.begin(); err != nil {
					return nil, err
				}
			}
		case <-timer.C:
			if d.variant != wire.Plain && !d.asked.IsZero() && !d.last && time.Since(d.asked) > plainAfter {
				return nil, d.plainly() // long packets seem not to get there
			}
			d.transmit()
			interval = min(interval*3/2, maxResendInterval)
			timer.Reset(interval)
		case p := <-d.packets:
			sn, err := d.answer(ctx, p)
			if sn != nil || err != nil {
				return sn, err
			}
		}
		if &before[0] != &d.flight[0] {
			interval = d.firstInterval()
			timer.Reset(interval)
		}
	}
}

// firstInterval is when the first packet of a kind is sent again.
func (d *dial) firstInterval() time.Duration {
	if d.token != 0 && !d.fresh {
		return staleResend
	}
	return firstResend
}

// plainly starts over with the plain handshake. What an earlier session left may have been used up: then it asks for a token.
func (d *dial) plainly() *startOver {
	again := &startOver{at: d.at, plain: true}
	if d.fresh {
		again.token = d.token
	}
	return again
}

// begin makes the first packet.
func (d *dial) begin() error {
	if err := d.newInitiator(); err != nil {
		return err
	}
	if d.token == 0 {
		d.token = d.s.purse.take(d.at, time.Now())
	}
	if d.token != 0 {
		return d.request()
	}
	b := wire.AppendDateTime(make([]byte, 0, 64), d.s.clock.Now())
	b = wire.AppendPadding(b, someUpTo(15))
	d.flight = d.hs.TokenRequest(b)
	d.transmit()
	return nil
}

func (d *dial) newInitiator() (err error) {
	for d.remote == d.id || d.remote == 0 {
		d.remote = randomID()
	}
	d.hs, err = wire.NewInitiator(wire.InitiatorConfig{
		NetworkID: byte(d.s.cfg.NetworkID), Variant: d.variant, SrcID: d.id, DestID: d.remote, Static: d.s.cfg.StaticKey,
		RemoteStatic: d.target.static, RemoteIntro: d.target.intro, RemoteHash: d.peer,
	})
	return err
}

func (d *dial) transmit() {
	d.sentAt = time.Now()
	d.sends++
	d.l.send(routeTo(d.at), d.flight)
}

// request makes SessionRequest with the token.
func (d *dial) request() error {
	b := wire.AppendDateTime(make([]byte, 0, 64), d.s.clock.Now())
	if d.s.nat.wantsTag(d.ri, d.at.Addr()) {
		b = wire.AppendRelayTagRequest(b)
	}
	room := maxPacket(d.at.Addr(), min(d.s.t.mtu(d.at.Addr()), d.target.mtu)) - d.variant.RequestOverhead() - requestPayload
	b = wire.AppendPadding(b, someUpTo(max(min(maxHandshakePadding, room), 0)))
	var err error
	d.s.work(func() { d.flight, err = d.hs.Request(d.token, b) })
	if err != nil {
		return fmt.Errorf("SessionRequest: %w", err)
	}
	d.asked, d.sends = time.Now(), 0
	d.transmit()
	return nil
}

// linkFor is the link that reaches an IP, or nil.
func (s *server) linkFor(ip netip.Addr) *link {
	if i := s.t.socketFor(ip); i >= 0 {
		return s.links[i]
	}
	return nil
}
