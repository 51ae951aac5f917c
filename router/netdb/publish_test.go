package netdb_test

import (
	"errors"
	"testing"
	"time"

	"clove.i2p/router/netdb"
)

func TestPublicationGoesOnToTheNextFloodfill(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 8)
		home := n.add("XR", nil) // a floodfill would be one to its own client, too, and perhaps the closest
		home.know(n.nodes...)
		c := n.client(home)
		n.byHash[home.db.Closest(c.hash(), 1)[0].Hash()].kill()
		start := time.Now()
		if err := c.view.Publish(t.Context(), c.leaseSet()); err != nil {
			t.Fatal(err)
		}
		if s := c.view.Stats(); s.PublishAttempts != 2 || s.Published != 1 {
			t.Errorf("stats = %+v, want 2 attempts", s)
		}
		if d := time.Since(start); d != 3*time.Second+2*tunnelDelay {
			t.Errorf("took %v", d)
		}
		// The one that was silent is tried last for a while.
		if err := c.view.Publish(t.Context(), c.leaseSet()); err != nil || c.view.Stats().PublishAttempts != 3 {
			t.Errorf("second publication: %v, %+v", err, c.view.Stats())
		}
	})
}

func TestPublicationWithoutConfirmation(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 12)
		n.lose = func(kind string) bool { return kind == "DeliveryStatus" }
		c := n.client(n.nodes[0])
		if err := c.view.Publish(t.Context(), c.leaseSet()); !errors.Is(err, netdb.ErrNotConfirmed) {
			t.Fatalf("err = %v, want ErrNotConfirmed", err)
		}
		if s := c.view.Stats(); s.PublishAttempts != 7 || s.PublishFailed != 1 {
			t.Errorf("stats = %+v, want 7 attempts", s)
		}
	})
}

func TestVerification(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 8)
		c := n.client(n.nodes[0])
		ls := c.leaseSet()
		if err := c.view.Publish(t.Context(), ls); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := c.view.Verify(t.Context(), ls); err != nil {
			t.Errorf("flooded LeaseSet: %v", err)
		}
		if d := time.Since(start); d < 5*time.Second || d > 9*time.Second {
			t.Errorf("took %v, want 5 to 8 s and a round trip", d)
		}

		// Only the first store arrives, its floods are lost: others still have the old one.
		stores := 0
		n.lose = func(kind string) bool {
			if kind == "DatabaseStore" {
				stores++
			}
			return kind == "DatabaseStore" && stores >= 2 && stores <= 4
		}
		ls = c.leaseSet()
		if err := c.view.Publish(t.Context(), ls); err != nil {
			t.Fatal(err)
		}
		if err := c.view.Verify(t.Context(), ls); !errors.Is(err, netdb.ErrNotVerified) {
			t.Errorf("LeaseSet that was not flooded: %v, want ErrNotVerified", err)
		}
		if s := c.view.Stats(); s.Verified != 1 || s.NotVerified != 1 {
			t.Errorf("stats = %+v", s)
		}
	})
}

func TestVerificationWithOneFloodfill(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 1)
		home := n.add("XR", nil)
		home.know(n.nodes[0])
		c := n.client(home)
		ls := c.leaseSet()
		if err := errors.Join(c.view.Publish(t.Context(), ls), c.view.Verify(t.Context(), ls)); err != nil {
			t.Error(err)
		}
	})
}

func TestSelfIsPublished(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		meshed(n, 5)
		r := n.add("XR", func(c *netdb.Config) { c.Private = false })
		r.know(n.nodes...)
		stop := n.run()
		defer stop()
		published := func() uint64 { return r.db.Stats().Published }

		time.Sleep(9 * time.Second)
		if published() != 0 {
			t.Error("published before the transports had time to settle")
		}
		time.Sleep(2 * time.Second)
		if published() != 1 {
			t.Errorf("published %d times after the start, want once", published())
		}
		known := 0
		for _, o := range n.nodes[:5] {
			if o.db.RouterInfo(r.self.Hash()) != nil {
				known++
			}
		}
		if known < 4 {
			t.Errorf("%d floodfills know it, want the first and three that it flooded", known)
		}

		// Three changes at once are one publication, and not before the pause is over.
		time.Sleep(time.Second)
		r.current.Store(n.routerInfo(r.keys, 5, "XR"))
		for range 3 {
			r.db.SelfChanged()
		}
		time.Sleep(10 * time.Second)
		if published() != 1 {
			t.Error("published again without a pause")
		}
		time.Sleep(15 * time.Second)
		if published() != 2 {
			t.Errorf("published %d times after a change, want 2", published())
		}
		time.Sleep(34 * time.Minute)
		if published() != 3 {
			t.Errorf("published %d times after half an hour, want 3", published())
		}
	})
}

func TestSelfPublicationIsRetried(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		n.lose = func(kind string) bool { return kind == "DeliveryStatus" }
		meshed(n, 3)
		stop := n.run()
		defer stop()
		time.Sleep(time.Minute)
		s := n.nodes[0].db.Stats()
		if s.Published != 0 || s.PublishFailed < 3 || s.PublishFailed > 10 {
			t.Errorf("stats = %+v, want some failures", s)
		}
		n.mu.Lock()
		n.lose = nil
		n.mu.Unlock()
		time.Sleep(time.Minute)
		if n.nodes[0].db.Stats().Published == 0 {
			t.Error("not published when the floodfills answered again")
		}
	})
}
