//go:build linux

package ssu2

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport"
	"clove.i2p/router/udp"
	"clove.i2p/tests/netns"
	"clove.i2p/tests/netns/netnstest"
)

const (
	// floodRate is more than the 100,000 packets a second that have to arrive, where the machine has nothing else to do.
	floodRate = 125_000
	wantRate  = 100_000
	honest    = 20
)

// TestFloodFromOneSource floods a transport from another process, over real sockets in a network namespace: everything that can be
// made without a session. Nothing is kept of it, hardly anything is answered, strangers connect and a session goes on meanwhile. How
// many packets arrive and what is left for the session are for a machine that does nothing else: CLOVE_NATLAB=full or
// CLOVE_INTEROP_LONG=1 asks for that.
func TestFloodFromOneSource(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("takes 15 s and all processors")
	case raceEnabled:
		t.Skip("too slow with the race detector")
	}
	alone := os.Getenv("CLOVE_NATLAB") == "full" || os.Getenv("CLOVE_INTEROP_LONG") != ""
	if !netnstest.Inside(t) {
		return
	}
	// Public addresses, so that what holds for sources does.
	if out, err := exec.Command("ip", "address", "add", "11.9.0.1/16", "dev", "lo").CombinedOutput(); err != nil {
		netnstest.Missing(t, fmt.Errorf("ip: %w, %s", err, out))
	}
	source := netip.MustParseAddrPort("11.9.200.1:7000")
	m := &meter{from: source.Addr()}
	at := func(a, b byte, wrap func(Socket) Socket) *router {
		return newRouter(t, func(c *Config, d *Deps) {
			c.Listen, c.AllowPrivate = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, 9, a, b}), 9000)}, false
			d.Logger = nil
			d.Listen = func(_ context.Context, at netip.AddrPort) (Socket, error) {
				s, err := udp.Listen(at, udp.Options{})
				if err == nil && wrap != nil {
					return wrap(s), nil
				}
				return s, err
			}
		})
	}
	victim := at(0, 1, func(s Socket) Socket { m.Socket = s; return m })
	var got atomic.Int64
	victim.onBatch = func(msgs []*buf.Buf) {
		for _, msg := range msgs {
			got.Add(int64(len(msg.Bytes())))
			msg.Release()
		}
	}
	victim.serve()
	s := victim.running()
	friend := at(1, 1, nil)
	friend.serve()
	session, _ := friend.dial(victim)
	peers := make([]*router, honest)
	for i := range peers {
		peers[i] = at(2, byte(i+1), nil)
		peers[i].serve()
	}
	var quiet float64
	for range 3 { // buffers and windows grow
		quiet = max(quiet, goodput(t, session, &got, time.Second))
	}
	runtime.GC()
	before := holding(s)

	f := startFlood(t, floodPlan{
		From: source, To: victim.transport.Bound()[0], Static: s.cfg.StaticKey.Public(), Intro: s.cfg.IntroKey, Hash: victim.hash(),
		PerSecond: floodRate,
	})
	for deadline := time.Now().Add(30 * time.Second); m.in.Load() < wantRate/2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no flood: %d packets", m.in.Load())
		}
	}
	// The flood alone.
	first, start := m.in.Load(), time.Now()
	var most holdings
	for time.Since(start) < 4*time.Second {
		time.Sleep(100 * time.Millisecond)
		most = most.max(holding(s))
	}
	rate := float64(m.in.Load()-first) / time.Since(start).Seconds()
	runtime.GC()
	after := holding(s)
	stats := victim.transport.Stats()
	t.Logf("%.0f packets/s arrive; before %+v, most %+v, after %+v", rate, before, most, after)
	t.Logf("%+v, %d events dropped", stats, s.c.droppedEvents.Load())
	if grown := int64(after.heap) - int64(before.heap); grown > 4<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
	if most.goroutines > before.goroutines+4 {
		t.Errorf("%d goroutines more", most.goroutines-before.goroutines)
	}
	if n := most.ids - before.ids; n > DefaultMaxPendingPerIP {
		t.Errorf("%d connection ids more", n)
	}
	// The gate counts the source's attempts and the handshakes that it has under way.
	if most.tokens > before.tokens || most.sources > before.sources+2 || most.contacts > before.contacts || most.held > 0 {
		t.Errorf("tables grow: %+v, before %+v", most, before)
	}
	if most.work > maxWorkerQueuePerIP || most.events > maxNATOutside {
		t.Errorf("too much waits: %+v", most)
	}

	// Strangers, all at once.
	type outcome struct {
		took time.Duration
		err  error
	}
	outcomes := make(chan outcome, honest)
	for _, p := range peers {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			start := time.Now()
			_, err := p.transport.Dial(ctx, victim.self())
			outcomes <- outcome{time.Since(start), err}
		}()
	}
	var took []time.Duration
	for range honest {
		o := <-outcomes
		if o.err != nil {
			t.Errorf("a stranger after %v: %v", o.took, o.err)
		}
		took = append(took, o.took)
	}
	slices.Sort(took)
	// A session, meanwhile.
	flooded := goodput(t, session, &got, 3*time.Second)
	t.Logf("%d strangers took %v at the median, %v at most; goodput %.1f MB/s, without the flood %.1f MB/s",
		honest, took[honest/2], took[honest-1], flooded/1e6, quiet/1e6)
	// The flooder takes one of perhaps two processors, and 50 to 100 MB/s of loopback.
	if alone && flooded < quiet/20 {
		t.Errorf("goodput falls from %.1f to %.2f MB/s", quiet/1e6, flooded/1e6)
	}

	r := f()
	t.Logf("flooder: %d packets, %.0f/s, %d bytes; %d answers, %d bytes", r.Packets, float64(r.Packets)/r.Seconds, r.Bytes, r.Answers, m.outBytes.Load())
	if alone && rate < wantRate {
		t.Errorf("only %.0f packets/s arrived, want %d", rate, wantRate)
	}
	if m.outBytes.Load()*50 > m.inBytes.Load() {
		t.Errorf("%d bytes answer %d", m.outBytes.Load(), m.inBytes.Load())
	}
	// Retries, and the SessionCreated of a few handshakes with a good token, which are repeated until they time out.
	if most := int64((r.Seconds + 2) * (retriesPerSecond + 8*DefaultMaxPendingPerIP)); m.out.Load() > most {
		t.Errorf("%d answers in %.1f s", m.out.Load(), r.Seconds)
	}
	if most := uint64((r.Seconds + 2) * retriesPerSecond); victim.transport.Stats().Retries > most+2*honest {
		t.Errorf("%d Retries in %.1f s", victim.transport.Stats().Retries, r.Seconds)
	}
	if len(friend.closed) > 0 {
		t.Error("the session ended")
	}
}

// A meter is a socket that counts what goes to one source and comes from it.
type meter struct {
	Socket
	from                       netip.Addr
	in, inBytes, out, outBytes atomic.Int64
}

func (m *meter) Read(p []udp.Packet) (int, error) {
	n, err := m.Socket.Read(p)
	for i := range p[:n] {
		if p[i].From.Addr() == m.from {
			m.in.Add(1)
			m.inBytes.Add(int64(len(p[i].Data)))
		}
	}
	return n, err
}

func (m *meter) Write(trains []udp.Train) error {
	for i := range trains {
		if t := &trains[i]; t.To.Addr() == m.from {
			m.out.Add(int64(max(len(t.Data), 1)+max(t.Segment, 1)-1) / int64(max(t.Segment, 1)))
			m.outBytes.Add(int64(len(t.Data)))
		}
	}
	return m.Socket.Write(trains)
}

// holdings are what a server keeps.
type holdings struct {
	heap                                                                uint64
	goroutines, ids, tokens, sources, contacts, work, events, held, raw int
}

func holding(s *server) (h holdings) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h = holdings{heap: m.HeapAlloc, goroutines: runtime.NumGoroutine(), ids: s.table.size(), events: len(s.nat.queue), held: int(s.held.Load()), sources: s.gate.Sources()}
	s.mint.mu.Lock()
	h.tokens = len(s.mint.given.entries)
	s.mint.mu.Unlock()
	s.workers.mu.Lock()
	h.work = s.workers.n
	s.workers.mu.Unlock()
	s.links[0].mu.Lock()
	h.raw = len(s.links[0].raw)
	s.links[0].mu.Unlock()
	s.mu.Lock()
	h.contacts = len(s.contacts.now) + len(s.contacts.old)
	s.mu.Unlock()
	return h
}

func (h holdings) max(o holdings) holdings {
	return holdings{
		max(h.heap, o.heap), max(h.goroutines, o.goroutines), max(h.ids, o.ids), max(h.tokens, o.tokens), max(h.sources, o.sources),
		max(h.contacts, o.contacts), max(h.work, o.work), max(h.events, o.events), max(h.held, o.held), max(h.raw, o.raw),
	}
}

var floodMessages atomic.Uint32

// goodput is how many bytes of messages a second come through a session for some time.
func goodput(t *testing.T, s transport.Session, got *atomic.Int64, d time.Duration) float64 {
	t.Helper()
	const size = 1028 + minMessage
	sent, first, start := got.Load(), got.Load(), time.Now()
	for time.Since(start) < d {
		if sent-got.Load() > 512*size {
			time.Sleep(50 * time.Microsecond)
			continue
		}
		batch := make([]*buf.Buf, 32)
		for i := range batch {
			batch[i] = message(floodMessages.Add(1), 1028, 1)
		}
		sent += int64(s.Send(batch)) * size
	}
	rate := float64(got.Load()-first) / time.Since(start).Seconds()
	for deadline := time.Now().Add(10 * time.Second); got.Load() < sent && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
	}
	return rate
}

// startFlood starts the flooder; stop ends it.
func startFlood(t *testing.T, plan floodPlan) (stop func() floodResult) {
	t.Helper()
	told, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFlooder$", "-test.timeout=5m", string(told))
	cmd.Env = netns.Environ()
	cmd.ExtraFiles = []*os.File{w}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	run, err := netns.Start(cmd, t.TempDir()+"/flooder")
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { run.Stop() })
	return func() (result floodResult) {
		t.Helper()
		stdin.Close()
		if err := json.NewDecoder(r).Decode(&result); err != nil {
			t.Fatal(err)
		}
		return result
	}
}
