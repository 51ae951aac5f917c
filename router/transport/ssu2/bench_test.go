package ssu2

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// BenchmarkLoopback moves tunnel messages (1,024 bytes and their header) from one transport to another in one process, over
// each way that a socket has.
func BenchmarkLoopback(b *testing.B) {
	for name, mode := range map[string]udp.Mode{"plain": udp.Plain, "batched": udp.Batched, "offload": udp.Offload} {
		b.Run(name, func(b *testing.B) {
			change := func(c *Config, d *Deps) { c.Mode, d.Logger = mode, nil }
			from, to := newRouter(b, change), newRouter(b, change)
			var got atomic.Int64
			to.onBatch = func(msgs []*buf.Buf) {
				got.Add(int64(len(msgs)))
				for _, m := range msgs {
					m.Release()
				}
			}
			from.serve()
			to.serve()
			s, err := from.transport.Dial(b.Context(), to.self())
			if err != nil {
				b.Fatal(err)
			}
			const size = 1028 + minMessage
			b.SetBytes(size)
			b.ReportAllocs()
			var id uint32
			send := func(n int64) {
				start := got.Load()
				batch := make([]*buf.Buf, 0, 32)
				for sent := int64(0); sent < n; {
					if sent-(got.Load()-start) > 512 {
						time.Sleep(20 * time.Microsecond)
						continue
					}
					batch = batch[:0]
					for range min(32, n-sent) {
						id++
						batch = append(batch, message(id, 1028, 1))
					}
					sent += int64(s.Send(batch))
				}
				for deadline := time.Now().Add(30 * time.Second); got.Load()-start < n; time.Sleep(50 * time.Microsecond) {
					if time.Now().After(deadline) {
						b.Fatalf("%d of %d arrived", got.Load()-start, n)
					}
				}
			}
			send(10_000)
			before := s.Status()
			b.ResetTimer()
			send(int64(b.N))
			b.StopTimer()
			after := s.Status()
			b.ReportMetric(float64(after.BytesOut-before.BytesOut)/float64(b.N), "wire-B/op")
		})
	}
}

// BenchmarkPacket is one packet of one message through both sessions, without sockets.
func BenchmarkPacket(b *testing.B) {
	_, to, ours, theirs := pair(b)
	to.onBatch = func(msgs []*buf.Buf) {
		for _, m := range msgs {
			m.Release()
		}
	}
	w, r := newWriter(b.Context(), ours.link), &reader{l: theirs.link}
	wb, rb := newWriter(b.Context(), theirs.link), &reader{l: ours.link}
	now := time.Now()
	var packets []udp.Packet
	move := func(w *writer, r *reader, s *session) int {
		w.reserve(turnBytes)
		for {
			if _, more := s.act(w, now); !more {
				break
			}
		}
		packets = packets[:0]
		for _, train := range w.trains {
			for d := train.Data; len(d) > 0; {
				k := min(train.Segment, len(d))
				packets = append(packets, udp.Packet{Data: d[:k], From: s.link.local})
				d = d[k:]
			}
		}
		w.trains, w.of, w.used, w.whole = w.trains[:0], w.of[:0], 0, 0
		r.batch(packets, now)
		return len(packets)
	}
	var id uint32
	msgs := make([]*buf.Buf, 0, 16)
	b.SetBytes(1028 + minMessage)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		id++
		msgs = append(msgs, message(id, 1028, 1))
		if len(msgs) == 16 {
			now = now.Add(2 * time.Millisecond)
			ours.Send(msgs)
			msgs = msgs[:0]
			n += move(w, r, ours) + move(wb, rb, theirs)
		}
	}
	b.ReportMetric(float64(n)/float64(b.N), "packets/op")
}

// BenchmarkHandshake is what an inbound handshake costs the responder.
func BenchmarkHandshake(b *testing.B) {
	for _, v := range []wire.Variant{wire.Plain, wire.MLKEM768} {
		b.Run(fmt.Sprint(v), func(b *testing.B) {
			change := func(c *Config, d *Deps) { c.PostQuantum, d.Logger = []byte{3, 4}, nil }
			if v == wire.Plain {
				change = func(_ *Config, d *Deps) { d.Logger = nil }
			}
			from, to := newRouter(b, change), newRouter(b, change)
			from.serve()
			to.serve()
			for b.Loop() {
				s, err := from.transport.Dial(b.Context(), to.self())
				if err != nil {
					b.Fatal(err)
				}
				<-from.opened
				<-to.opened
				s.Close(0)
				<-to.closed
				<-from.closed
				<-to.infos
			}
		})
	}
}

// BenchmarkIdleSession is the memory of a session that carries nothing now.
func BenchmarkIdleSession(b *testing.B) {
	keep := make([]*session, 0, b.N)
	_, _, ours, _ := pair(b)
	c := sessionConfig{
		link: ours.link, peer: ours.peer, remote: ours.route(), id: 1, remoteID: 2, target: ours.target, now: time.Now(),
	}
	b.ReportAllocs()
	for b.Loop() {
		keep = append(keep, ours.s.newSession(c))
	}
	runtime.KeepAlive(keep)
}
