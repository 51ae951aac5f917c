package gate

import "time"

// attended: a process takes from the queue, or is about to. l.mu is held.
func (l *listener) attended() bool { return !l.closed && (l.accepter != nil || l.holder != nil) }

// awaitSpace waits while the queue is full and attended, or until done. It says whether it is worth a try.
func (l *listener) awaitSpace(done <-chan struct{}) bool {
	defer token(l.space) // for the next that waits
	for {
		l.mu.Lock()
		wait := l.attended() && len(l.queue) >= queueLength
		l.mu.Unlock()
		if !wait {
			return true
		}
		select {
		case <-l.space:
		case <-done:
			return false
		}
	}
}

// put queues an offer, or ends its link: the newest is refused where the queue is full. One that comes back from a process goes to
// the front, and is not refused: a process has no more than maxTickets.
func (l *listener) put(o *offer, front bool) bool {
	if !o.link.to(waiting, nil) {
		return false
	}
	if ok, _ := l.queueUp(o, front); !ok {
		l.tunnel.refused.Add(1)
		o.link.end()
		return false
	}
	return true
}

// putPatiently waits for room as long as the queue is attended, or until done. false: the link has ended.
func (l *listener) putPatiently(o *offer, done <-chan struct{}) bool {
	if !o.link.to(waiting, nil) {
		return false
	}
	for {
		ok, attended := l.queueUp(o, false)
		if ok {
			return true
		}
		if !attended || !l.awaitSpace(done) {
			l.tunnel.refused.Add(1)
			o.link.end()
			return false
		}
	}
}

// queueUp puts an offer into the queue if there is room.
func (l *listener) queueUp(o *offer, front bool) (ok, attended bool) {
	l.mu.Lock()
	attended = l.attended()
	if l.closed || len(l.queue) >= queueLength && !front {
		l.mu.Unlock()
		return false, attended
	}
	o.timer = time.AfterFunc(queueTime, func() { l.expire(o) })
	if front {
		l.queue = append([]*offer{o}, l.queue...)
	} else {
		l.queue = append(l.queue, o)
	}
	l.mu.Unlock()
	o.link.after(func() { l.forget(o) })
	l.poke()
	return true, attended
}

func (l *listener) poke() { token(l.wake) }

// token puts one into a channel that holds one.
func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // there is one already
	}
}

func (l *listener) expire(o *offer) {
	if l.forget(o) {
		l.tunnel.expired.Add(1)
		o.link.end()
	}
}

// forget takes an offer out of the queue. It says whether it was there.
func (l *listener) forget(o *offer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, q := range l.queue {
		if q == o {
			o.timer.Stop()
			l.queue = append(l.queue[:n:n], l.queue[n+1:]...)
			token(l.space)
			return true
		}
	}
	return false
}

// pop takes the first offer. turn is false if a is not the accepter any more.
func (l *listener) pop(a *accepter) (o *offer, turn bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.accepter != a {
		return nil, false
	}
	if len(l.queue) == 0 {
		return nil, true
	}
	o = l.queue[0]
	o.timer.Stop()
	l.queue = append([]*offer(nil), l.queue[1:]...)
	token(l.space)
	return o, true
}
