package nat

import (
	"bytes"
	"slices"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// A waiter is a message that came before the RouterInfo of the router that it is about. Bob sends both, but they may be in different packets, and the
// netDb may take its time.
type waiter struct {
	router i2p.Hash // whose RouterInfo is missing
	from   i2p.Hash
	until  time.Time
	t      wire.BlockType
	body   []byte
}

// await keeps a message until the RouterInfo of router is there. It returns false if there is no room: then it is to be handled without. A full table
// takes no more, one peer has a part of it only. A message that is there already is not kept twice.
func (e *Engine) await(now time.Time, router i2p.Hash, from i2p.Hash, t wire.BlockType, body []byte) bool {
	if len(body) > maxWaitingBody || len(e.waiting) >= maxWaiting {
		return false
	}
	n := 0
	for i := range e.waiting {
		if w := &e.waiting[i]; w.from == from {
			if w.t == t && bytes.Equal(w.body, body) {
				return true
			}
			n++
		}
	}
	if n >= maxWaitingFrom {
		return false
	}
	e.waiting = append(e.waiting, waiter{router: router, from: from, until: now.Add(routerInfoTime), t: t, body: bytes.Clone(body)})
	e.wake(now.Add(routerInfoPoll))
	return true
}

// HandleRouterInfo says that Host.RouterInfo has an answer for this router now: messages that came before it are handled. Without it
// they are when Tick finds out.
func (e *Engine) HandleRouterInfo(now time.Time, router i2p.Hash) {
	e.release(now, func(w *waiter) bool { return w.router == router && e.host.RouterInfo(router) != nil })
}

func (e *Engine) tickWaiting(now time.Time) {
	e.release(now, func(w *waiter) bool { return !now.Before(w.until) || e.host.RouterInfo(w.router) != nil })
	if len(e.waiting) > 0 {
		e.wake(now.Add(routerInfoPoll))
	}
}

// release handles the messages that are due, for the last time.
func (e *Engine) release(now time.Time, due func(*waiter) bool) {
	var ready []waiter
	e.waiting = deleteWaiters(e.waiting, func(w *waiter) bool {
		if !due(w) {
			return false
		}
		ready = append(ready, *w)
		return true
	})
	for _, w := range ready {
		if s, ok := e.host.Session(w.from); ok {
			e.block(now, s, w.t, w.body, true)
		}
	}
}

func deleteWaiters(ws []waiter, f func(*waiter) bool) []waiter {
	return slices.DeleteFunc(ws, func(w waiter) bool { return f(&w) })
}
