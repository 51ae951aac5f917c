package simnet

import (
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// An Internet carries UDP datagrams between hosts, some of them behind NATs. All time is that of package time: in a
// synctest bubble (create it there) a waiting Read is durably blocked, and nothing has to be run or closed. What
// happens depends on the seed and on what each host sends when, not on the order in which goroutines run.
type Internet struct {
	mu    sync.Mutex
	seed  uint64
	lanes int
	queue events
	timer *time.Timer
	// advancing tells that advance runs, which sets the timer at its end. Go 1.26 has crashed, under the race detector, where
	// the function of a timer in a bubble reset that to 0.
	advancing bool
	root      domain
	fates     [fates]int
	onFate    func(Passage)
}

// Fate is what became of a datagram at one place.
type Fate uint8

// Fates. Corrupted datagrams go on.
const (
	Delivered  Fate = iota // to the socket of a host
	Lost                   // by chance
	Corrupted              // by chance
	TooLarge               // for an MTU
	QueueFull              // of a link with a rate, or of a socket
	NoRoute                // nobody has that address
	NoSocket               // the host has no socket of that port
	NoMapping              // of a NAT, for that port
	Filtered               // by a NAT or a firewall
	NotHairpin             // from the inside to the outside of a NAT that does not turn packets round
	fates
)

var fateNames = [fates]string{
	"delivered", "lost", "corrupted", "too large", "queue full", "no route", "no socket", "no mapping", "filtered", "not hairpin",
}

func (f Fate) String() string { return fateNames[f] }

// Passage is something that happened to a datagram. Data is lent.
type Passage struct {
	At       time.Time
	Where    string
	From, To netip.AddrPort
	Data     []byte
	Fate     Fate
}

// NewInternet returns a network without hosts whose chances come from seed.
func NewInternet(seed uint64) *Internet {
	n := &Internet{seed: seed}
	n.root.net = n
	n.timer = time.AfterFunc(time.Hour, n.advance)
	return n
}

// Watch calls f for whatever becomes of datagrams from now on. f must not use the network.
func (n *Internet) Watch(f func(Passage)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onFate = f
}

// Count is how often a fate was met so far.
func (n *Internet) Count(f Fate) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fates[f]
}

// datagram is a packet on its way.
type datagram struct {
	from, to netip.AddrPort
	data     []byte
}

func (n *Internet) watch(where string, p datagram, f Fate) {
	n.fates[f]++
	if n.onFate != nil {
		n.onFate(Passage{At: time.Now(), Where: where, From: p.from, To: p.to, Data: p.data, Fate: f})
	}
}

// A domain is the addresses that reach each other without a NAT between: the public ones, or those inside a NAT.
type domain struct {
	net     *Internet
	gateway *NAT // nil for the public one
	nodes   map[netip.Addr]node
}

// node is a host, or a NAT seen from outside.
type node interface {
	arrive(datagram)
	down() (*lane, string)
}

func (d *domain) add(a netip.Addr, x node) {
	if d.nodes == nil {
		d.nodes = map[netip.Addr]node{}
	}
	if d.nodes[a] != nil {
		panic("simnet: two hosts of address " + a.String())
	}
	d.nodes[a] = x
}

// route sends a datagram on to who has its address, or out.
func (d *domain) route(p datagram) {
	if x := d.nodes[p.to.Addr()]; x != nil {
		l, name := x.down()
		d.net.pass(l, name+" in", p, x.arrive)
		return
	}
	if d.gateway != nil {
		d.gateway.outbound(p)
		return
	}
	d.net.watch("internet", p, NoRoute)
}

func (n *Internet) lane() lane {
	n.lanes++
	return lane{id: n.lanes, rnd: rand.New(rand.NewPCG(n.seed, uint64(n.lanes)))}
}

// event is a datagram that reaches the end of a lane.
type event struct {
	at   time.Time
	lane int
	seq  uint64
	datagram
	next func(datagram)
}

// push adds an event. It happens when the timer says so even if it is due now: by then all that is sent at this moment
// has been sent.
func (n *Internet) push(e event) {
	heap.Push(&n.queue, e)
	if !n.advancing && n.queue[0].lane == e.lane && n.queue[0].seq == e.seq {
		n.wind()
	}
}

// wind sets the timer for the first event.
func (n *Internet) wind() { n.timer.Reset(max(time.Until(n.queue[0].at), 0)) }

// advance lets happen what is due.
func (n *Internet) advance() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.advancing = true
	for now := time.Now(); len(n.queue) > 0 && !n.queue[0].at.After(now); {
		e := heap.Pop(&n.queue).(event)
		e.next(e.datagram)
	}
	n.advancing = false
	if len(n.queue) > 0 {
		n.wind()
	}
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	switch {
	case !q[i].at.Equal(q[j].at):
		return q[i].at.Before(q[j].at)
	case q[i].lane != q[j].lane:
		return q[i].lane < q[j].lane
	}
	return q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return e
}
