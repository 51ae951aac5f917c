package gate

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"clove.i2p/plugins/api"
)

// attachment is a tunnel that a process may use.
type attachment struct {
	tunnel *tunnel
	slots  chan struct{} // a token for each ticket outstanding
	lines  lines
	gone   chan struct{} // closed when the tunnel is taken away, or the process ends
}

// slot waits for room for one more ticket.
func (a *attachment) slot(ctx context.Context) error {
	select {
	case a.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case a.slots <- struct{}{}:
		return nil
	case <-a.gone:
		return errDetached(a.tunnel.name)
	case <-ctx.Done():
		return refuse(api.ErrLimit, "%d tickets of tunnel %s are outstanding: connect to the data socket with each one at once", maxTickets, a.tunnel.name)
	}
}

// tickets of one process: each stands for one offer, for TicketLife.
type tickets struct {
	mu     sync.Mutex
	table  map[api.Ticket]*ticket
	closed bool
}

type ticket struct {
	offer      *offer
	attachment *attachment
	timer      *time.Timer
}

// issue makes a ticket. The caller has a slot; it is given back with the ticket. false: the process has ended, or the tunnel was
// taken away.
func (t *tickets) issue(a *attachment, o *offer) (api.Ticket, bool) {
	var id api.Ticket
	_, _ = rand.Read(id[:]) // does not fail
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-a.gone:
		return id, false
	default:
	}
	if t.closed {
		return id, false
	}
	if t.table == nil {
		t.table = make(map[api.Ticket]*ticket)
	}
	t.table[id] = &ticket{offer: o, attachment: a, timer: time.AfterFunc(api.TicketLife, func() { t.expire(id) })}
	return id, true
}

// take takes a ticket out: it is good once.
func (t *tickets) take(id api.Ticket) *ticket {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.table[id]
	if one == nil {
		return nil
	}
	delete(t.table, id)
	one.timer.Stop()
	<-one.attachment.slots
	return one
}

// expire gives a listener's connection back once: the message with its ticket may have been lost with the Accept call that it was
// for. A process that does not use its tickets gets no connection a third time.
func (t *tickets) expire(id api.Ticket) {
	one := t.take(id)
	switch {
	case one == nil:
	case one.offer.back != nil && !one.offer.expired:
		one.offer.expired = true
		one.offer.giveBack()
	default:
		one.offer.link.tunnel.expired.Add(1)
		one.offer.link.end()
	}
}

// hurry is called when an Accept call was cancelled. Nobody knows which of its messages have arrived, so that its tickets live for
// lateLife more.
func (t *tickets) hurry(of *accepter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.table {
		if one.offer.to == of {
			one.timer.Reset(lateLife)
		}
	}
}

// void takes out the tickets of an attachment, or (nil) all. What a listener had taken goes back to it, for the next process; what
// was dialled ends.
func (t *tickets) void(a *attachment) {
	t.mu.Lock()
	if a == nil {
		t.closed = true
	}
	var gone []api.Ticket
	for id, one := range t.table {
		if a == nil || one.attachment == a {
			gone = append(gone, id)
		}
	}
	t.mu.Unlock()
	for _, id := range gone {
		if one := t.take(id); one != nil {
			one.offer.giveBack()
		}
	}
}

// giveBack is for an offer that its process did not take.
func (o *offer) giveBack() {
	if o.back == nil {
		o.link.end()
		return
	}
	o.back.put(o, true)
}

func (t *tickets) outstanding() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.table)
}
