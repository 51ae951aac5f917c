package flow

import (
	"slices"
	"time"

	"clove.i2p/router/buf"
)

// Unfinished takes all messages out of the flow that are not acked completely, for the session that replaces this one ("Multiple Sessions"): whole as Queue got
// them, in that order, and as many as a queue holds at most, so that they fit the empty queue of another flow. The buffers move to the caller. Expired
// messages are dropped. Control blocks stay, and so does what is known of the packets in flight, whose acks and losses no longer move a message.
func (f *Flow) Unfinished(now time.Time) []*buf.Buf {
	t := f.tick(now)
	return f.queue.takeMessages(t)
}

func (q *sendQueue) takeMessages(t instant) []*buf.Buf {
	var live []handle
	for i := range q.slots {
		m := &q.slots[i]
		switch h := (handle{int32(i), m.gen}); {
		case m.b == nil || m.control:
		case t >= m.expires:
			q.expire(h)
		default:
			live = append(live, h)
		}
	}
	slices.SortFunc(live, func(a, b handle) int { return int(int32(q.slots[a.index].order - q.slots[b.index].order)) })
	taken := make([]*buf.Buf, len(live))
	for i, h := range live {
		taken[i] = q.take(h)
	}
	return taken
}
