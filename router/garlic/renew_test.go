package garlic_test

import (
	"testing"
	"time"

	"clove.i2p/router/garlic"
)

// A peer that restarted cannot read the session in use, and says nothing.
func TestRenewOpensANewSessionAfterSilence(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	a.say(b, "1", garlic.KindNewSession, epoch)
	b.say(a, "2", garlic.KindNewSessionReply, epoch)
	a.say(b, "3", garlic.KindExistingSession, epoch)
	b.say(a, "4", garlic.KindExistingSession, epoch.Add(time.Second))
	now := epoch.Add(5 * time.Second)
	a.k.Renew(b.peer.Key, 6*time.Second, now)
	a.say(b, "too soon", garlic.KindExistingSession, now)
	now = epoch.Add(8 * time.Second)
	old := b.seal(a, "old", now)
	a.k.Renew(b.peer.Key, 6*time.Second, now)
	a.say(b, "new", garlic.KindNewSession, now)
	// It is there after all: the old session is used on.
	a.mustOpen(old, now.Add(time.Second))
	a.say(b, "5", garlic.KindExistingSession, now.Add(time.Second))
}

func TestPeerThatLostItsSessionsIsReached(t *testing.T) {
	a, b := newNode(t, "alice", garlic.Config{}), newNode(t, "bob", garlic.Config{})
	a.say(b, "1", garlic.KindNewSession, epoch)
	b.say(a, "2", garlic.KindNewSessionReply, epoch)
	a.say(b, "3", garlic.KindExistingSession, epoch)
	b.k.Forget(a.peer.Key)
	now := epoch.Add(10 * time.Second)
	if err := b.open(a.seal(b, "lost", now), now); err == nil {
		t.Fatal("a message of the lost session was read")
	}
	a.k.Renew(b.peer.Key, 6*time.Second, now)
	a.say(b, "4", garlic.KindNewSession, now)
	b.say(a, "5", garlic.KindNewSessionReply, now)
	a.say(b, "6", garlic.KindExistingSession, now)
}
