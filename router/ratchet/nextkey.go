package ratchet

import (
	"time"

	"clove.i2p/router/crypto/keys"
)

// The DH ratchet (4a) replaces the tag set of one direction; its sender begins. Tag set 1 takes a new key from both
// sides, then they take turns: an even set takes a new key of the tags' sender (forward), an odd one a new key of
// their receiver (reverse, which the sender requests). The blocks are repeated until the answer is there, which for
// the reverse key is a message under the new tag set.
//
//	tag set  key of the sender  of the receiver
//	   1          0 new             0 new
//	   2          1 new             0
//	   3          1                 1 new
//	   4          2 new             1           id = 1 + sender's key id + receiver's key id

func takesForward(set int) bool { return set == 1 || set%2 == 0 }
func takesReverse(set int) bool { return set%2 == 1 }

// ratchetKeys are the keys in use for one direction.
type ratchetKeys struct {
	own      keys.X25519Private
	ownKey   keys.X25519Public
	remote   keys.X25519Public
	ownID    int // plus one, so that the zero value is "none"
	remoteID int // plus one
}

func (k *ratchetKeys) fresh(id *Identity) bool {
	private, err := id.entropy.X25519()
	if err != nil {
		return false
	}
	k.own, k.ownKey = private, private.Public()
	k.ownID++
	return true
}

// outRatchet is the state of the tag set that we send with.
type outRatchet struct {
	ratchetKeys
	pending bool      // the forward key is on its way
	last    time.Time // it was last sent
}

// inRatchet is the state of the tag set that we receive with.
type inRatchet struct {
	ratchetKeys
	reply bool      // the reverse key is on its way
	last  time.Time // it was last sent
	due   time.Time // when to send it even without data
	tries int
	at    time.Time // last step
}

// offerNextKey starts a ratchet of our sending direction when the tag set is used up far enough.
func (s *Session) offerNextKey(now time.Time) {
	next := int(s.send.id) + 1
	if s.out.pending || s.send.tags < s.id.ratchetAfter || next > maxTagSets {
		return
	}
	if takesForward(next) && !s.out.fresh(s.id) {
		return // no randomness: try with the next message
	}
	s.out.pending, s.out.last = true, time.Time{}
}

// forwardKey handles the block of the peer that wants a new tag set for what it sends to us.
func (s *Session) forwardKey(k NextKey, set *ReceiveSet, now time.Time) {
	newest := s.newest()
	if id := int(newest.id); id > 0 && int(k.ID)+1 == s.in.remoteID && k.Request == takesReverse(id) {
		if set != newest { // a repetition: our answer has not arrived
			s.in.reply, s.in.tries = true, 0
		}
		return
	}
	next := int(newest.id) + 1
	if set != newest || next > maxTagSets || now.Sub(s.in.at) < ratchetInterval || k.Request != takesReverse(next) {
		return
	}
	step := s.in.ratchetKeys
	switch {
	case takesForward(next) && k.Present && int(k.ID) == step.remoteID:
		step.remote = k.Key
		step.remoteID++
	case !takesForward(next) && int(k.ID)+1 == step.remoteID:
	default:
		return
	}
	if takesReverse(next) && !step.fresh(s.id) {
		return
	}
	shared, err := step.own.DH(step.remote)
	if err != nil {
		return
	}
	key := nextTagSetKey(&shared)
	s.in = inRatchet{ratchetKeys: step, reply: true, at: now, due: now.Add(ackDelay)}
	newest.expires = now.Add(previousSetLifetime)
	successor := newSuccessor(newest, newChain(&newest.nextRoot, &key), uint16(next))
	if len(s.receive) == maxReceiveSets {
		s.receive[0].close()
		s.receive = append(s.receive[:0], s.receive[1:]...)
	}
	s.receive = append(s.receive, successor)
}

// reverseKey handles the answer to our forward key: from now on we send with the next tag set.
func (s *Session) reverseKey(k NextKey) {
	if !s.out.pending {
		return
	}
	next := int(s.send.id) + 1
	step := s.out.ratchetKeys
	switch {
	case takesReverse(next) && k.Present && int(k.ID) == step.remoteID:
		step.remote = k.Key
		step.remoteID++
	case !takesReverse(next) && int(k.ID)+1 == step.remoteID:
	default:
		return
	}
	shared, err := step.own.DH(step.remote)
	if err != nil {
		return
	}
	key := nextTagSetKey(&shared)
	*s.send = sendSet{chain: newChain(&s.send.nextRoot, &key), id: uint16(next)}
	s.out = outRatchet{ratchetKeys: step}
}

// appendKeys adds the NextKey blocks that are due and fit.
func (s *Session) appendKeys(b []byte, room int, now time.Time) []byte {
	if s.in.reply && now.Sub(s.in.last) >= nextKeyInterval {
		k := NextKey{Reverse: true, Present: takesReverse(int(s.newest().id)), ID: uint16(s.in.ownID - 1), Key: s.in.ownKey}
		if len(b)+k.size() <= room {
			b = k.Append(b)
			s.in.last, s.in.due = now, now.Add(keyRetry)
			s.in.tries++
		}
	}
	if s.out.pending && now.Sub(s.out.last) >= nextKeyInterval {
		next := int(s.send.id) + 1
		k := NextKey{Present: takesForward(next), Request: takesReverse(next), ID: uint16(s.out.ownID - 1), Key: s.out.ownKey}
		if len(b)+k.size() <= room {
			b = k.Append(b)
			s.out.last = now
		}
	}
	return b
}
