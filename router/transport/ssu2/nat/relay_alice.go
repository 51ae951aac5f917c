package nat

import (
	"net/netip"
	"strconv"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// An aliceRelay is an introduction that we asked for. RelayResponse through Bob and HolePunch have the same content, signed by Charlie: the first of them
// ends it. It is kept until end, as a HolePunch from another port tells what Charlie's NAT made of it.
type aliceRelay struct {
	nonce   uint32
	bob     i2p.Hash
	charlie i2p.Hash
	key     keys.SigningPublicKey // Charlie's
	family  Family
	end     time.Time
	done    bool
	address netip.AddrPort // as reported
}

// Relay asks bob, with whom there is a session, to introduce us to charlie under the tag that charlie published with him. RelayDone follows with this nonce
// unless there is an error: ErrBusy, ErrSession, ErrNoAddress.
func (e *Engine) Relay(now time.Time, charlie *i2p.RouterInfo, bob i2p.Hash, tag uint32, f Family) (nonce uint32, err error) {
	s, ok := e.host.Session(bob)
	if !ok {
		return 0, ErrSession
	}
	if len(e.aliceRelays) >= maxAliceRelays {
		return 0, ErrBusy
	}
	own, ok := e.own(f, s)
	if !ok {
		return 0, ErrNoAddress
	}
	nonce = e.newNonce()
	req := wire.NewRelayRequest(e.cfg.Signing, bob, charlie.Hash(), nonce, tag, e.seconds(now), own)
	if !e.host.SendBlocks(bob, req.Append(nil)) {
		return 0, ErrSession
	}
	r := &aliceRelay{nonce: nonce, bob: bob, charlie: charlie.Hash(), key: charlie.Identity().SigningKey(), family: f, end: now.Add(RelayTime)}
	e.aliceRelays[nonce] = r
	e.stats.RelaysStarted++
	e.wake(r.end)
	return nonce, nil
}

// relayAnswered takes a RelayResponse in a session: from Charlie for somebody else, or from Bob for us.
func (e *Engine) relayAnswered(now time.Time, s Session, body []byte) {
	p, err := wire.ParseRelayResponse(body)
	if err != nil {
		e.drop(DropMalformed)
		return
	}
	if b := e.bobRelays[p.Nonce]; b != nil && b.charlie == s.Router {
		e.bobRelayAnswered(b, body)
		return
	}
	r := e.aliceRelays[p.Nonce]
	switch {
	case r == nil || r.bob != s.Router || r.done:
		e.drop(DropUnasked)
	case p.Code != wire.AcceptCode:
		e.finishRelay(r, RelayResult{Err: &Rejected{Code: p.Code}})
	case !e.signedByCharlie(now, r, p):
		e.drop(DropSignature)
		e.finishRelay(r, RelayResult{Err: ErrSignature})
	case FamilyOf(p.Charlie.Addr()) != r.family || !e.usable(p.Charlie):
		e.drop(DropAddress)
		e.finishRelay(r, RelayResult{Err: ErrAddress})
	default:
		e.finishRelay(r, RelayResult{Address: p.Charlie, Token: p.Token})
	}
}

func (e *Engine) signedByCharlie(now time.Time, r *aliceRelay, p wire.RelayResponse) bool {
	return p.Version == version && !e.skewedSeconds(now, p.Time) && p.Verify(r.key, r.bob)
}

// punched takes a HolePunch. Its port counts, not the one that Charlie believes to have: his NAT may use one for each peer. Anybody can send one
// who has seen the nonce; only Charlie can sign it, and only his own IP address may it come from. What is wrong with it is no reason to give up.
func (e *Engine) punched(now time.Time, from netip.AddrPort, h wire.Header, body []byte) {
	p, err := wire.ParseRelayResponse(body)
	dest, src := wire.NonceIDs(p.Nonce)
	if err != nil || p.Code != wire.AcceptCode || h.DestID != dest || h.SrcID != src {
		e.drop(DropMalformed)
		return
	}
	r := e.aliceRelays[p.Nonce]
	switch {
	case r == nil || r.done && r.address == from:
		e.drop(DropUnasked)
	case from.Addr() != p.Charlie.Addr() || FamilyOf(from.Addr()) != r.family || !e.usable(from):
		e.drop(DropAddress)
	case !e.signedByCharlie(now, r, p):
		e.drop(DropSignature)
	default:
		e.finishRelay(r, RelayResult{Address: from, Token: p.Token, Punched: true, Moved: r.done})
	}
}

// finishRelay reports a result. After a success the relay stays in the table, for a HolePunch from elsewhere.
func (e *Engine) finishRelay(r *aliceRelay, res RelayResult) {
	res.Nonce, res.Bob, res.Charlie = r.nonce, r.bob, r.charlie
	r.done, r.address = true, res.Address
	if res.Err != nil || res.Punched {
		delete(e.aliceRelays, r.nonce)
	}
	e.host.RelayDone(res)
}

func (e *Engine) tickAliceRelay(now time.Time, r *aliceRelay) {
	switch {
	case now.Before(r.end):
		e.wake(r.end)
	case r.done:
		delete(e.aliceRelays, r.nonce)
	default:
		e.finishRelay(r, RelayResult{Err: ErrTimeout})
	}
}

// IntroducersOf reads the introducers that an address publishes and that have not expired: ih0, itag0, iexp0 and so on. One without iexp has no
// end.
func IntroducersOf(a i2p.RouterAddress, now time.Time) (list []Introducer) {
	for i := range MaxIntroducers {
		n := strconv.Itoa(i)
		h, err := i2p.ParseHash(a.Options.Get("ih" + n))
		tag, tagErr := strconv.ParseUint(a.Options.Get("itag"+n), 10, 32)
		if err != nil || tagErr != nil || tag == 0 {
			continue
		}
		in := Introducer{Router: h, Tag: uint32(tag)}
		if exp := a.Options.Get("iexp" + n); exp != "" {
			s, err := strconv.ParseUint(exp, 10, 32)
			if err != nil || int64(s) <= now.Unix() {
				continue
			}
			in.Expires = time.Unix(int64(s), 0)
		}
		list = append(list, in)
	}
	return list
}

// PublishIntroducers sets the options that IntroducersOf reads.
func PublishIntroducers(options map[string]string, list []Introducer) {
	for i, in := range list[:min(len(list), MaxIntroducers)] {
		n := strconv.Itoa(i)
		options["ih"+n] = in.Router.String()
		options["itag"+n] = strconv.FormatUint(uint64(in.Tag), 10)
		options["iexp"+n] = strconv.FormatInt(in.Expires.Unix(), 10)
	}
}

// ChooseIntroducer picks one of a list ("Introducer Selection"): one with a session, connected; else one to dial first, whose RouterInfo is
// known and has an address that we can send to; else none: then the RouterInfos of all should be looked up.
func (e *Engine) ChooseIntroducer(list []Introducer) (in Introducer, connected, ok bool) {
	var known []Introducer
	for _, i := range e.shuffled(len(list)) {
		in := list[i]
		if in.Router == e.cfg.Self || e.host.Banned(in.Router) {
			continue
		}
		if _, has := e.host.Session(in.Router); has {
			return in, true, true
		}
		if ri := e.host.RouterInfo(in.Router); ri != nil && e.reaches(ri) {
			known = append(known, in)
		}
	}
	if len(known) > 0 {
		return known[0], false, true
	}
	return Introducer{}, false, false
}

// reaches reports whether ri publishes an address that we have a socket for.
func (e *Engine) reaches(ri *i2p.RouterInfo) bool {
	for _, f := range [2]Family{V4, V6} {
		if _, to, _, ok := published(ri, f); ok && e.usable(to) && e.host.Supports(f) {
			return true
		}
	}
	return false
}
