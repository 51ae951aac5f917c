package ssu2

import (
	"fmt"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/wire"
)

// establish checks who the peer is and makes the session. A peer that is refused proved its key, and is told why.
func (h *inbound) establish(payload []byte) error {
	s, now := h.s, time.Now()
	ri, flood, err := parseConfirmed(payload)
	if err != nil {
		return err
	}
	remote, no := checkPeer(ri, h.hs.RemoteStatic(), h.from.Addr(), s.cfg.NetworkID, s.strict(), s.clock.Now())
	peer := ri.Hash()
	if no == nil && (peer == s.cfg.SelfHash || !transport.AdmitFrom(s.registry, peer, h.from.Addr())) {
		no = &refusal{s.unwanted(peer), transport.ErrRefused}
	}
	if no != nil && no.reason == transport.ReasonStaticKey {
		return no // we know no intro key to answer with
	}
	h.mu.Lock()
	rtt := now.Sub(h.sentAt)
	if h.sends != 1 { // which of them was answered is not known
		rtt = 0
	}
	h.mu.Unlock()
	sn := s.newSession(sessionConfig{
		link: h.l, peer: peer, direction: transport.Inbound, remote: h.back, id: h.id, remoteID: h.hs.DestID(),
		target: remote, keys: h.hs.Keys(), variant: h.hs.Variant(), rtt: rtt, now: now,
	})
	sn.reported = no != nil
	sn.onEnd = func() { s.gate.Closed(h.from.Addr()) }
	s.gate.Opened(h.from.Addr())
	// Before this session is one that there is:
	stranger := no == nil && s.observer != nil && !(*natHost)(s.nat).Contacted(h.from, true)
	if !s.table.enterSession(sn, h) { // from here on it may end at any time
		s.gate.Closed(h.from.Addr())
		return nil
	}
	h.mu.Lock()
	held := h.held
	h.finishLocked()
	h.session = sn
	h.mu.Unlock()
	if no != nil {
		s.c.refused.Add(1)
		s.log.Debug("inbound handshake refused", "peer", peer, "cause", no)
		sn.refuse(no.reason)
		return nil
	}
	s.c.accepted.Add(1)
	s.registry.RouterInfo(peer, ri, flood)
	if !sn.open(s.ctx) {
		return nil
	}
	sn.confirmed(payload)
	for _, p := range held {
		sn.inject(p, h.back)
	}
	if h.wantsTag {
		s.nat.block(peer, wire.BlockRelayTagRequest, nil)
	}
	s.crossed(sn)
	s.contact(h.from, now)
	if stranger {
		s.observer.InboundFrom(peer, h.from.Addr())
	}
	return nil
}

// parseConfirmed reads the RouterInfo block, which is the first. Its signature is not verified.
func parseConfirmed(payload []byte) (ri *i2p.RouterInfo, flood bool, err error) {
	blocks, err := wire.ParseBlocks(payload)
	if err != nil {
		return nil, false, err
	}
	if !blocks.Next() || blocks.Type != wire.BlockRouterInfo {
		return nil, false, fmt.Errorf("%w: no RouterInfo", errMalformed)
	}
	return parseRouterInfo(blocks.Body)
}

func parseRouterInfo(body []byte) (ri *i2p.RouterInfo, flood bool, err error) {
	b, flood, err := wire.ParseRouterInfo(body)
	if err != nil {
		return nil, false, err
	}
	ri, rest, err := i2p.ParseRouterInfo(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes after the RouterInfo", errMalformed, len(rest))
	}
	return ri, flood, err
}
