package ntcp2

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// An established handshake is all that a session starts with.
type established struct {
	peer      i2p.Hash
	info      *i2p.RouterInfo // of an inbound peer
	flood     bool
	hybrid    mlkem.Params // 0: plain
	send      directionKeys
	receive   directionKeys
	remainder []byte // of the data phase, read already
}

// wire reads and writes the messages of one handshake under its time limits.
type wire struct {
	conn  net.Conn
	until time.Time // the whole handshake
	buf   []byte    // read, not yet taken
}

// next takes n bytes, reading more if needed. The bytes are lent until the next call.
func (w *wire) next(n int) ([]byte, error) {
	if err := w.deadline(); err != nil {
		return nil, err
	}
	return w.take(n)
}

// take is next without a new time limit: for the rest of a message.
func (w *wire) take(n int) ([]byte, error) {
	if err := w.fill(n); err != nil {
		return nil, err
	}
	taken := w.buf[:n:n]
	w.buf = w.buf[n:]
	return taken, nil
}

// fill reads until n bytes are there to be taken. There is room for more, so that turn sees what came with them.
func (w *wire) fill(n int) error {
	for len(w.buf) < n {
		if cap(w.buf) <= n {
			w.buf = slices.Grow(w.buf, n-len(w.buf)+tagLen)
		}
		got, err := w.conn.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+got]
		if err != nil && len(w.buf) < n {
			return err
		}
	}
	return nil
}

// turn is an error if the peer sent bytes although it is our turn.
func (w *wire) turn() error {
	if len(w.buf) > 0 {
		return fmt.Errorf("%w: %d", errExtraBytes, len(w.buf))
	}
	w.buf = make([]byte, 0, cap(w.buf))
	return nil
}

func (w *wire) write(msg []byte) error {
	if err := w.deadline(); err != nil {
		return err
	}
	_, err := w.conn.Write(msg)
	return err
}

func (w *wire) deadline() error {
	d := time.Now().Add(messageTimeout)
	if d.After(w.until) {
		d = w.until
	}
	return w.conn.SetDeadline(d)
}

// sessionRequest takes message 1 but for its padding. Whether it is a plain or a hybrid one is looked at when as much is there
// as the plain one has, so that what is no handshake at all is not told by an earlier end.
func (w *wire) sessionRequest(hs *responder) (msg []byte, err error) {
	if err = w.deadline(); err != nil {
		return nil, fmt.Errorf("ntcp2: read SessionRequest: %w", err)
	}
	if err = w.fill(messageLen); err != nil {
		return nil, fmt.Errorf("ntcp2: read SessionRequest: %w", err)
	}
	n, err := hs.requestLen(w.buf)
	if err != nil {
		return nil, fmt.Errorf("ntcp2: SessionRequest: %w", err)
	}
	if msg, err = w.take(n); err != nil {
		return nil, fmt.Errorf("ntcp2: read SessionRequest: %w", err)
	}
	return msg, nil
}

// initiate runs the handshake with the peer that was dialled.
func (s *server) initiate(conn net.Conn, ri *i2p.RouterInfo, at target) (e established, err error) {
	w := &wire{conn: conn, until: time.Now().Add(s.cfg.HandshakeTimeout), buf: make([]byte, 0, 512)}
	self := s.cfg.Self()
	if self == nil {
		return e, errors.New("ntcp2: no RouterInfo of our own yet")
	}
	hs, err := newInitiator(initiatorConfig{
		static: s.cfg.StaticKey, networkID: byte(s.cfg.NetworkID), self: self.Bytes(),
		responder: ri.Hash(), peer: at.peer, iv: at.iv, hybrid: at.hybrid,
	})
	if err != nil {
		return e, fmt.Errorf("ntcp2: SessionRequest: %w", err)
	}
	var msg []byte
	s.work(func() { msg, err = hs.sessionRequest(s.clock.Now()) })
	if err != nil {
		return e, fmt.Errorf("ntcp2: SessionRequest: %w", err)
	}
	sent := time.Now()
	if err = w.write(msg); err != nil {
		return e, fmt.Errorf("ntcp2: send SessionRequest: %w", err)
	}
	if msg, err = w.next(hs.createdLen()); err != nil {
		return e, fmt.Errorf("ntcp2: read SessionCreated: %w", err)
	}
	roundTrip := time.Since(sent)
	var padding int
	var ahead time.Duration
	s.work(func() { padding, ahead, err = hs.sessionCreated(msg, s.clock.Now().Add(-roundTrip/2)) })
	if err != nil {
		return e, fmt.Errorf("ntcp2: SessionCreated: %w", err)
	}
	s.skew(ri.Hash(), ahead)
	if skewed(ahead) {
		s.c.skewed.Add(1)
		return e, fmt.Errorf("ntcp2: %w: by %v", transport.ErrClockSkew, ahead.Round(time.Second))
	}
	if padding > 0 {
		if msg, err = w.next(padding); err != nil {
			return e, fmt.Errorf("ntcp2: read SessionCreated: %w", err)
		}
		hs.createdPadding(msg)
	}
	if err = w.turn(); err != nil {
		return e, fmt.Errorf("ntcp2: SessionCreated: %w", err)
	}
	s.work(func() { msg, err = hs.sessionConfirmed() })
	if err != nil {
		return e, fmt.Errorf("ntcp2: SessionConfirmed: %w", err)
	}
	if err = w.write(msg); err != nil {
		return e, fmt.Errorf("ntcp2: send SessionConfirmed: %w", err)
	}
	k := hs.keys()
	return established{peer: ri.Hash(), hybrid: at.hybrid, send: k.ab, receive: k.ba}, conn.SetDeadline(time.Time{})
}

// respond runs the handshake with a peer that connected. After an error the caller closes slowly, except after a *refusal,
// for which e holds the keys to say so.
func (s *server) respond(conn net.Conn) (e established, err error) {
	w := &wire{conn: conn, until: time.Now().Add(s.cfg.HandshakeTimeout), buf: make([]byte, 0, 512)}
	hs := newResponder(responderConfig{
		static: s.cfg.StaticKey, iv: s.cfg.IV, self: s.cfg.SelfHash, networkID: byte(s.cfg.NetworkID),
		accept: s.cfg.accepted(),
	})
	msg, err := w.sessionRequest(hs)
	if err != nil {
		return e, err
	}
	var padding int
	var ahead time.Duration
	s.work(func() { padding, ahead, err = hs.sessionRequest(msg, s.clock.Now()) })
	if err == nil && !s.replays.Add(hs.peerEphem, time.Now()) {
		s.c.replays.Add(1)
		err = errReplay
	}
	if err != nil {
		return e, fmt.Errorf("ntcp2: SessionRequest: %w", err)
	}
	if padding > 0 {
		if msg, err = w.next(padding); err != nil {
			return e, fmt.Errorf("ntcp2: read SessionRequest: %w", err)
		}
		hs.requestPadding(msg)
	}
	if err = w.turn(); err != nil {
		return e, fmt.Errorf("ntcp2: SessionRequest: %w", err)
	}
	s.work(func() { msg, err = hs.sessionCreated(s.clock.Now()) })
	if err != nil {
		return e, fmt.Errorf("ntcp2: SessionCreated: %w", err)
	}
	if err = w.write(msg); err != nil {
		return e, fmt.Errorf("ntcp2: send SessionCreated: %w", err)
	}
	if skewed(ahead) { // it has our time now
		s.c.skewed.Add(1)
		return e, fmt.Errorf("ntcp2: %w: by %v", transport.ErrClockSkew, ahead.Round(time.Second))
	}
	if msg, err = w.next(hs.confirmedLen()); err != nil {
		return e, fmt.Errorf("ntcp2: read SessionConfirmed: %w", err)
	}
	var static keys.X25519Public
	var payload confirmedPayload
	s.work(func() {
		if static, payload, err = hs.sessionConfirmed(msg); err == nil {
			k := hs.keys()
			e = established{
				peer: payload.routerInfo.Hash(), info: payload.routerInfo, flood: payload.flood, hybrid: hs.hybrid,
				send: k.ba, receive: k.ab, remainder: w.buf,
			}
			if r := checkPeer(e.info, static, addrPort(conn.RemoteAddr()).Addr(), s.cfg.NetworkID, s.strict(), s.clock.Now()); r != nil {
				err = r
			}
		}
	})
	if err != nil {
		return e, fmt.Errorf("ntcp2: SessionConfirmed: %w", err)
	}
	if !transport.AdmitFrom(s.registry, e.peer, addrPort(conn.RemoteAddr()).Addr()) {
		return e, fmt.Errorf("ntcp2: %w", &refusal{transport.ReasonBanned, transport.ErrRefused})
	}
	return e, conn.SetDeadline(time.Time{})
}

// strict: on the public network the source of a connection is compared with the published host.
func (s *server) strict() bool { return s.cfg.NetworkID == PublicNetworkID }

// work runs expensive crypto on one of as many slots as there are processors, so that a burst of handshakes does not starve
// the sessions.
func (s *server) work(f func()) {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	f()
}

func (s *server) skew(peer i2p.Hash, ahead time.Duration) {
	if s.cfg.Skew != nil {
		s.cfg.Skew(peer, ahead)
	}
}
