package ssu2

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"clove.i2p/router/udp"
)

// A corrupter changes one bit of one in so many packets, in either direction; 0 is none.
type corrupter struct {
	Socket
	mu      sync.Mutex
	dice    *rand.Rand
	oneIn   int
	changed int
	passed  int
}

func newCorrupter() *corrupter { return &corrupter{dice: rand.New(rand.NewPCG(1, 2))} }

func (c *corrupter) start(oneIn int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.oneIn = oneIn
}

func (c *corrupter) use(s Socket) { c.Socket = s }

func (c *corrupter) Read(p []udp.Packet) (int, error) {
	n, err := c.Socket.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range p[:n] {
		if c.chosen() {
			c.change(p[i].Data)
		}
	}
	return n, err
}

func (c *corrupter) Write(trains []udp.Train) error {
	sent := slices.Clone(trains)
	c.mu.Lock()
	for i := range sent {
		t := &sent[i]
		size, own := t.Segment, false
		if size == 0 {
			size = len(t.Data)
		}
		for at := 0; at < len(t.Data); at += size {
			if !c.chosen() {
				continue
			}
			if !own { // what is sent again is whole
				t.Data, own = slices.Clone(t.Data), true
			}
			c.change(t.Data[at:min(at+size, len(t.Data))])
		}
	}
	c.mu.Unlock()
	err := c.Socket.Write(sent)
	for i := range sent {
		trains[i].Err = sent[i].Err
	}
	return err
}

func (c *corrupter) chosen() bool {
	c.passed++
	return c.oneIn > 0 && c.dice.IntN(c.oneIn) == 0
}

func (c *corrupter) change(packet []byte) {
	if len(packet) > 0 {
		c.changed++
		packet[c.dice.IntN(len(packet))] ^= 1 << c.dice.IntN(8)
	}
}

// counts are of the packets that were changed, and of all.
func (c *corrupter) counts() (changed, passed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed, c.passed
}

// TestCorruptionOnSockets moves 50 MB either way through sockets of the system, of which one changes bits: all arrives as it was, once,
// in one session.
func TestCorruptionOnSockets(t *testing.T) {
	c := newCorrupter()
	c.start(100)
	a := newRouter(t, func(_ *Config, d *Deps) {
		d.Logger = nil
		d.Listen = func(_ context.Context, at netip.AddrPort) (Socket, error) {
			s, err := udp.Listen(at, udp.Options{})
			c.use(s)
			return c, err
		}
	})
	b := newRouter(t, func(_ *Config, d *Deps) { d.Logger = nil })
	a.serve()
	b.serve()
	ours, theirs := a.dial(b)
	const messages, size = 1700, 60000 // 30 KB on average
	transfer(t, ours, b, messages, size, nil)
	transfer(t, theirs, a, messages, size, nil)
	if len(a.closed)+len(b.closed) > 0 {
		t.Error("a session ended")
	}
	changed, passed := c.counts()
	t.Logf("%d of %d packets changed; %+v", changed, passed, a.transport.Stats())
	if a.transport.Stats().Unauthentic+b.transport.Stats().Unauthentic == 0 {
		t.Error("no changed packet was refused")
	}
}
