//go:build linux

package natlab

import (
	"container/heap"
	"errors"
	"os"
	"sync"
	"time"
)

// relayMTU is what the devices of a relay carry: the same as Ethernet.
const relayMTU = 1500

// A Relay is the uplink of a host, through a pair of TUN devices: the kernel need not have netem. Each direction is a
// goroutine that reads, decides on the fate of a packet and puts it into a queue by time, and one that writes when it
// is due. Timers of the system are good for a millisecond.
type Relay struct {
	out, in *direction
}

// Counts of one direction.
type Counts struct {
	Packets, Bytes                                          int // that came
	Lost, Oversize, Overflow, Duplicated, Corrupted, Delays int
}

// newRelay joins a device of namespace a with one of b.
func newRelay(a *namespace, deviceA string, b *namespace, deviceB string, seed int64) (*Relay, error) {
	fa, err := openTUN(a, deviceA, relayMTU)
	if err != nil {
		return nil, err
	}
	fb, err := openTUN(b, deviceB, relayMTU)
	if err != nil {
		fa.Close()
		return nil, err
	}
	r := &Relay{out: newDirection(fb, fa, uint64(seed), 0), in: newDirection(fa, fb, uint64(seed), 1)}
	return r, nil
}

// Set impairs both directions from now on.
func (r *Relay) Set(im Impairment) { r.SetOut(im); r.SetIn(im) }

// SetOut impairs what the host sends, SetIn what it receives.
func (r *Relay) SetOut(im Impairment) { r.out.set(im) }

// SetIn impairs what the host receives.
func (r *Relay) SetIn(im Impairment) { r.in.set(im) }

// Seed starts the random numbers of both directions anew.
func (r *Relay) Seed(seed uint64) { r.out.seed(seed, 0); r.in.seed(seed, 1) }

// Counts of what the host sent, and of what was sent to it.
func (r *Relay) Counts() (out, in Counts) { return r.out.counted(), r.in.counted() }

// Close takes the devices away and waits for the goroutines.
func (r *Relay) Close() error {
	err := errors.Join(r.out.source.Close(), r.in.source.Close())
	r.out.end()
	r.in.end()
	return err
}

type direction struct {
	source, target *os.File
	wake           chan struct{}
	closed         chan struct{}
	running        sync.WaitGroup

	mu       sync.Mutex
	im       Impairment
	fates    fates
	queue    packets
	sequence uint64
	busy     time.Time // until when Rate is taken
	counts   Counts
}

func newDirection(source, target *os.File, seed, number uint64) *direction {
	d := &direction{source: source, target: target, wake: make(chan struct{}, 1), closed: make(chan struct{}), fates: newFates(seed, number)}
	d.running.Go(d.read)
	d.running.Go(d.write)
	return d
}

func (d *direction) set(im Impairment) {
	if im.Queue == 0 {
		im.Queue = defaultQueue
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.im = im
	d.busy = time.Time{}
}

func (d *direction) seed(seed, number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fates = newFates(seed, number)
}

func (d *direction) counted() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts
}

func (d *direction) end() {
	close(d.closed)
	d.running.Wait()
}

func (d *direction) read() {
	for {
		b := make([]byte, relayMTU+100)
		n, err := d.source.Read(b)
		if err != nil {
			return
		}
		if d.accept(time.Now(), b[:n]) {
			select {
			case d.wake <- struct{}{}:
			default:
			}
		}
	}
}

// accept decides on a packet, and reports whether it is in the queue.
func (d *direction) accept(now time.Time, b []byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts.Packets++
	d.counts.Bytes += len(b)
	f := d.fates.next(&d.im)
	if f.copies == 0 {
		d.counts.Lost++
		return false
	}
	if d.im.MaxSize > 0 && len(b) > d.im.MaxSize {
		d.counts.Oversize++
		return false
	}
	if f.corrupt >= 0 && corruptUDP(b, f.corrupt) {
		d.counts.Corrupted++
	}
	if f.copies > 1 {
		d.counts.Duplicated++
	}
	queued := false
	for range f.copies {
		at := now
		if d.im.Rate > 0 {
			start := d.busy
			if start.Before(now) {
				start = now
			}
			if waiting := start.Sub(now).Seconds() * float64(d.im.Rate); waiting > float64(d.im.Queue) {
				d.counts.Overflow++
				continue
			}
			d.busy = start.Add(time.Duration(float64(len(b)) / float64(d.im.Rate) * float64(time.Second)))
			at = d.busy
		}
		if f.extra > 0 {
			d.counts.Delays++
		}
		d.sequence++
		heap.Push(&d.queue, packet{at.Add(f.extra), d.sequence, b})
		queued = true
	}
	return queued
}

// due takes the next packet if its time has come, or tells how long that takes.
func (d *direction) due(now time.Time) (b []byte, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return nil, time.Hour
	}
	if wait = d.queue[0].at.Sub(now); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&d.queue).(packet).bytes, 0
}

func (d *direction) write() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		b, wait := d.due(time.Now())
		if b != nil {
			// The device may be down, or its queue full: that is loss as anywhere.
			if _, err := d.target.Write(b); errors.Is(err, os.ErrClosed) {
				return
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-d.closed:
			return
		case <-d.wake:
		case <-timer.C:
		}
	}
}

// packets is a heap by time, and by the order of arrival where that is the same.
type packets []packet

type packet struct {
	at       time.Time
	sequence uint64
	bytes    []byte
}

func (p packets) Len() int { return len(p) }
func (p packets) Less(i, j int) bool {
	if p[i].at.Equal(p[j].at) {
		return p[i].sequence < p[j].sequence
	}
	return p[i].at.Before(p[j].at)
}
func (p packets) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *packets) Push(x any)   { *p = append(*p, x.(packet)) }
func (p *packets) Pop() any {
	old := *p
	last := old[len(old)-1]
	old[len(old)-1] = packet{}
	*p = old[:len(old)-1]
	return last
}
