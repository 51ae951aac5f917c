//go:build unix

package udp_test

import (
	"net/netip"
	"syscall"
	"testing"

	"clove.i2p/router/udp"
)

// processor is the time that the process used on all processors, in ns. On a machine that does other things it says more
// than the time that passed.
func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkLoopback sends 1,400-byte packets over the loopback interface and reads them, in one goroutine: cpu-ns/packet
// is of both ends. A burst goes to one peer, or a packet each to as many peers as it has packets; the
// reader is one socket, as a router has one.
func BenchmarkLoopback(b *testing.B) {
	for _, m := range []struct {
		name string
		mode udp.Mode
	}{{"plain", udp.Plain}, {"batched", udp.Batched}, {"offload", udp.Offload}} {
		b.Run(m.name+"/one-peer", func(b *testing.B) { burst(b, m.mode, 1) })
		b.Run(m.name+"/8-peers", func(b *testing.B) { burst(b, m.mode, 8) })
		b.Run(m.name+"/64-peers", func(b *testing.B) { burst(b, m.mode, 64) })
	}
}

// burst moves 64 packets a turn, 64/peers for each of peers.
func burst(b *testing.B, mode udp.Mode, peers int) {
	const packets, size = 64, 1400
	src := listen(b, "127.0.0.1:0", mode)
	dst := listen(b, "0.0.0.0:0", mode)
	trains := make([]udp.Train, peers)
	for i := range trains {
		// Other addresses of the loopback: another destination for the route and the kernel's caches, one reader.
		ip := netip.AddrFrom4([4]byte{127, 0, 1, byte(i)})
		trains[i] = udp.Train{To: to(dst, ip.String()), Data: make([]byte, packets/peers*size), Segment: size}
	}
	ps := make([]udp.Packet, udp.BatchSize)
	b.SetBytes(packets * size)
	b.ReportAllocs()
	begin := processor(b)
	for b.Loop() {
		if err := src.Write(trains); err != nil {
			b.Fatal(err)
		}
		for n := 0; n < packets; {
			k, err := dst.Read(ps)
			if err != nil {
				b.Fatal(err)
			}
			n += k
		}
	}
	b.ReportMetric(float64(processor(b)-begin)/float64(b.N)/packets, "cpu-ns/packet")
	perPacket := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / packets
	b.ReportMetric(1e9/perPacket, "packets/s")
	if c := src.Counts(); c.Writes > 0 {
		b.ReportMetric(float64(c.Written)/float64(c.Writes), "packets/write")
	}
	if c := dst.Counts(); c.Reads > 0 {
		b.ReportMetric(float64(c.Read)/float64(c.Reads), "packets/read")
	}
}

// BenchmarkManySenders reads what 64 sockets send, a packet each: what a router of many sessions sees.
func BenchmarkManySenders(b *testing.B) {
	for _, m := range []struct {
		name string
		mode udp.Mode
	}{{"plain", udp.Plain}, {"batched", udp.Batched}, {"offload", udp.Offload}} {
		b.Run(m.name, func(b *testing.B) {
			dst := listen(b, "127.0.0.1:0", m.mode)
			var src []*udp.Socket
			for range 64 {
				src = append(src, listen(b, "127.0.0.1:0", udp.Plain))
			}
			train := []udp.Train{{To: dst.LocalAddr(), Data: make([]byte, 1400)}}
			ps := make([]udp.Packet, udp.BatchSize)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for _, s := range src {
					if err := s.Write(train); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				for n := 0; n < len(src); {
					k, err := dst.Read(ps)
					if err != nil {
						b.Fatal(err)
					}
					n += k
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/packet-read")
		})
	}
}
