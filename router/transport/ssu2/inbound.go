package ssu2

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// An inbound is Bob's side of a handshake, from a SessionRequest with a good token on.
//
//	entered -> worker: SessionRequest opened, SessionCreated made -> sent, and again on a timer or when the Request comes again
//	        -> worker: SessionConfirmed opened, RouterInfo checked -> session, which takes over the connection id
//	        -> or dropped: after inboundTimeout, or an error
type inbound struct {
	places  place
	s       *server
	l       *link
	from    netip.AddrPort
	back    route
	id      wire.ConnectionID // ours
	request []byte            // the packet, to be recognized
	until   time.Time

	step sync.Mutex // held by the worker; guards hs
	hs   *wire.Responder

	mu       sync.Mutex
	done     bool
	created  []byte
	sentAt   time.Time
	sends    int
	nextAt   time.Time
	interval time.Duration
	jobs     int
	held     [][]byte // packets of the data phase that came too early
	wantsTag bool
	session  *session
}

func (h *inbound) place() *place { return &h.places }

// beginInbound enters a handshake and queues its first step.
func (s *server) beginInbound(l *link, p *udp.Packet, header wire.Header, now time.Time) {
	if s.table.count() >= s.cfg.MaxSessions || !s.gate.Enter(p.From.Addr(), now) {
		s.c.gated.Add(1)
		return
	}
	h := &inbound{
		s: s, l: l, from: p.From, back: backTo(p), id: header.DestID, request: slices.Clone(p.Data), until: now.Add(inboundTimeout),
		interval: firstResend,
	}
	h.places.timer.Owner = actor(h)
	if !s.table.enterInbound(h.id, h) {
		s.gate.Leave(p.From.Addr())
		return
	}
	if !s.workers.put(p.From.Addr(), h.open) {
		s.c.busy.Add(1)
		h.drop()
		return
	}
	l.mark(h)
}

// drop ends the handshake without a session.
func (h *inbound) drop() {
	h.mu.Lock()
	if h.done {
		h.mu.Unlock()
		return
	}
	h.finishLocked()
	h.mu.Unlock()
	h.s.table.drop(h.id, h)
}

func (h *inbound) finishLocked() {
	h.done = true
	h.s.held.Add(-int64(len(h.held)))
	h.s.gate.Leave(h.from.Addr())
}

// fail is drop for what a real router does not cause.
func (h *inbound) fail(err error) {
	h.s.c.refused.Add(1)
	h.s.gate.Failed(h.from.Addr(), time.Now())
	h.s.log.Debug("inbound handshake failed", "cause", err)
	h.drop()
}

// open takes SessionRequest and makes SessionCreated, on a worker.
func (h *inbound) open() {
	h.step.Lock()
	defer h.step.Unlock()
	s, now := h.s, time.Now()
	hs := wire.NewResponder(wire.ResponderConfig{
		NetworkID: byte(s.cfg.NetworkID), Static: s.cfg.StaticKey, Intro: s.cfg.IntroKey, Hash: s.cfg.SelfHash,
		MLKEM512: s.taken[wire.MLKEM512], MLKEM768: s.taken[wire.MLKEM768],
	})
	header, payload, err := hs.OpenRequest(slices.Clone(h.request))
	if err != nil {
		h.fail(fmt.Errorf("ssu2: SessionRequest: %w", err))
		return
	}
	// Only now: of a packet that was damaged on its way the same X comes again.
	if !s.replays.Add([32]byte(h.request[wire.LongHeaderLen:]), now) {
		s.c.replays.Add(1)
		h.drop()
		return
	}
	theirs, ok := dateTimeOf(payload)
	if !ok {
		h.fail(fmt.Errorf("ssu2: SessionRequest %w: no DateTime", errMalformed))
		return
	}
	if skewed(theirs.Sub(s.clock.Now())) {
		s.c.skewed.Add(1)
		s.retry(h.l, h.back, header, 0, wire.ReasonClockSkew)
		h.drop()
		return
	}
	b := wire.AppendDateTime(make([]byte, 0, 128), s.clock.Now())
	b = wire.AppendAddress(b, h.from)
	b = wire.AppendPadding(b, someUpTo(maxHandshakePadding))
	created, err := hs.Created(b)
	if err != nil {
		h.fail(fmt.Errorf("ssu2: SessionCreated: %w", err))
		return
	}
	h.hs = hs
	h.mu.Lock()
	h.wantsTag = hasBlock(payload, wire.BlockRelayTagRequest)
	h.created, h.nextAt = created, now
	h.mu.Unlock()
	h.l.mark(h)
}

func hasBlock(payload []byte, t wire.BlockType) bool {
	blocks, err := wire.ParseBlocks(payload)
	for err == nil && blocks.Next() {
		if blocks.Type == t {
			return true
		}
	}
	return false
}

// act sends SessionCreated, first and again.
func (h *inbound) act(w *writer, now time.Time) (next time.Time, more bool) {
	h.mu.Lock()
	if h.done {
		h.mu.Unlock()
		return next, false
	}
	if !now.Before(h.until) {
		h.mu.Unlock()
		h.s.c.refused.Add(1)
		h.drop()
		return next, false
	}
	if h.created != nil && !now.Before(h.nextAt) {
		w.single(h.back, h.created)
		h.sends++
		h.sentAt, h.nextAt = now, now.Add(h.interval)
		h.interval = min(h.interval*3/2, maxResendInterval)
	}
	next = h.until
	if h.created != nil && h.nextAt.Before(next) {
		next = h.nextAt
	}
	h.mu.Unlock()
	return next, false
}

// packet takes what comes for the connection id: the Request again, SessionConfirmed, or data that overtook it.
func (h *inbound) packet(data []byte, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done {
		return
	}
	if slices.Equal(data, h.request) {
		if h.created != nil && now.Sub(h.sentAt) >= minResendGap {
			h.nextAt = now
			h.l.mark(h)
		}
		return
	}
	if h.created == nil || h.jobs >= maxConfirmedJobs {
		return
	}
	packet := slices.Clone(data)
	if h.s.workers.put(h.from.Addr(), func() { h.confirm(packet) }) {
		h.jobs++
	} else {
		h.s.c.busy.Add(1)
	}
}

// confirm takes a packet that may be (a fragment of) SessionConfirmed, on a worker.
func (h *inbound) confirm(packet []byte) {
	h.step.Lock()
	defer h.step.Unlock()
	h.mu.Lock()
	h.jobs--
	done, sn := h.done, h.session
	h.mu.Unlock()
	if sn != nil {
		sn.inject(packet, h.back)
	}
	if done {
		return
	}
	kept := slices.Clone(packet)
	payload, complete, err := h.hs.OpenConfirmed(packet)
	switch {
	case errors.Is(err, wire.ErrType):
		h.hold(kept) // most likely data that overtook it
	case errors.Is(err, wire.ErrState):
		h.fail(fmt.Errorf("ssu2: SessionConfirmed: %w", err))
	case err != nil: // damaged; it comes again
	case complete:
		if err := h.establish(payload); err != nil {
			h.fail(fmt.Errorf("ssu2: SessionConfirmed: %w", err))
		}
	}
}

// hold keeps a packet until the keys are known.
func (h *inbound) hold(packet []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done || len(h.held) >= maxHeldPackets || h.s.held.Load() >= maxAllHeld {
		return
	}
	h.s.c.heldPackets.Add(1)
	h.s.held.Add(1)
	h.held = append(h.held, packet)
}
