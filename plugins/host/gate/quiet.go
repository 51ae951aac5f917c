package gate

import "context"

// What a plugin wrote is on its way for a while after the plugin has closed the connection: in the data socket, in the join, and in
// the stream's window. So a tunnel is taken from a process in steps: the plugin drains, Quiet, Cut what is left, Detach.

// Quiet waits until all that the process wrote to connections of the tunnel was passed on, or until ctx ends. It returns how many
// connections are left that it was not.
func (i *Instance) Quiet(ctx context.Context, tunnel string) (left int) {
	for {
		settled := i.awaitSettled()
		if left = len(i.speaking(tunnel)); left == 0 {
			return 0
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return left
		}
	}
}

// Cut ends those connections, so that the other side sees no orderly end where it can see another one.
func (i *Instance) Cut(tunnel string) {
	for _, l := range i.speaking(tunnel) {
		l.abort()
	}
}

func (i *Instance) speaking(tunnel string) (all []*link) {
	for _, l := range i.held() {
		if l.tunnel.name == tunnel && l.speaks() {
			all = append(all, l)
		}
	}
	return all
}

// awaitSettled is closed at the next change.
func (i *Instance) awaitSettled() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.settled == nil {
		i.settled = make(chan struct{})
	}
	return i.settled
}

// settle wakes who waits for the connections of the process.
func (i *Instance) settle() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.settled != nil {
		close(i.settled)
		i.settled = nil
	}
}
