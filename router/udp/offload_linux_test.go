package udp

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, mode Mode) *Socket {
	t.Helper()
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), Options{Mode: mode})
	if errors.Is(err, ErrMode) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// hasSegment reports whether a message asks for UDP_SEGMENT.
func hasSegment(h *unix.Msghdr) bool {
	if h.Control == nil {
		return false
	}
	for b := unsafeBytes(h.Control, int(h.Controllen)); len(b) >= unix.SizeofCmsghdr; {
		c, _, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return false
		}
		if c.Level == unix.SOL_UDP && c.Type == unix.UDP_SEGMENT {
			return true
		}
		b = rest
	}
	return false
}

func readAll(t *testing.T, s *Socket, n int) (out []uint32) {
	t.Helper()
	watchdog := time.AfterFunc(time.Minute, func() { s.Close() })
	defer watchdog.Stop()
	ps := make([]Packet, BatchSize)
	for len(out) < n {
		k, err := s.Read(ps)
		if err != nil {
			t.Fatalf("after %d of %d packets: %v", len(out), n, err)
		}
		for _, p := range ps[:k] {
			out = append(out, binary.BigEndian.Uint32(p.Data))
		}
	}
	return out
}

func row32(first, n, size int) []byte {
	b := make([]byte, n*size)
	for i := range n {
		binary.BigEndian.PutUint32(b[i*size:], uint32(first+i))
	}
	return b
}

// What a kernel answers to UDP_SEGMENT where the card, the driver or IPsec has no offload.
func TestRefusedOffloadIsSentInPiecesAndGivenUp(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.EINVAL} {
		t.Run(errno.Error(), func(t *testing.T) {
			a, b := open(t, Offload), open(t, Auto)
			w := a.engine.(*batch).writer
			refused := 0
			w.send = func(fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) {
				for i := range msgs {
					if hasSegment(&msgs[i].Hdr) {
						if i > 0 {
							return sendmmsg(fd, msgs[:i])
						}
						refused++
						return 0, errno
					}
				}
				return sendmmsg(fd, msgs)
			}
			trains := []Train{
				{To: b.local, Data: row32(0, 1, 100)},
				{To: b.local, Data: row32(1, 10, 100), Segment: 100},
				{To: b.local, Data: row32(11, 1, 100)},
				{To: b.local, Data: row32(12, 10, 100), Segment: 100},
			}
			for round := range 2 {
				if err := a.Write(trains); err != nil {
					t.Fatal(err)
				}
				for i := range trains {
					if trains[i].Err != nil {
						t.Fatal(round, i, trains[i].Err)
					}
				}
				for i, n := range readAll(t, b, 22) {
					if int(n) != i {
						t.Fatalf("packet %d is %d", i, n)
					}
				}
			}
			if refused != 2 {
				t.Fatal("refused", refused, "times: not only those built before the first refusal")
			}
			if f := a.Features(); strings.Contains(f, "gso") || !strings.Contains(f, "gro") {
				t.Fatal(f)
			}
			if c := a.Counts(); c.Written != 44 || c.OffloadRefused != 2 || c.WriteErrors != 0 {
				t.Fatalf("%+v", c)
			}
		})
	}
}

// Some kernels answer EINVAL to segments beyond the MTU: the packets tell, and offload is not to blame.
func TestSegmentsBeyondTheMTUDoNotEndOffload(t *testing.T) {
	a := open(t, Offload)
	a.engine.(*batch).writer.send = func(_ uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) {
		if hasSegment(&msgs[0].Hdr) {
			return 0, syscall.EINVAL
		}
		return 0, syscall.EMSGSIZE
	}
	trains := []Train{{To: a.local, Data: row32(0, 5, 1480), Segment: 1480}}
	if err := a.Write(trains); err != nil || trains[0].Err != ErrTooLarge {
		t.Fatal(err, trains[0].Err)
	}
	if f, c := a.Features(), a.Counts(); !strings.Contains(f, "gso") || c.TooLarge != 5 || c.Written != 0 {
		t.Fatalf("%s %+v", f, c)
	}
}

func TestErrorOfAnEarlierPacketIsTriedAgain(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ECONNREFUSED, syscall.ENOBUFS, syscall.EHOSTUNREACH} {
		a, b := open(t, Batched), open(t, Auto)
		w := a.engine.(*batch).writer
		calls := 0
		w.send = func(fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) {
			if calls++; calls == 1 {
				return 0, errno
			}
			return sendmmsg(fd, msgs)
		}
		trains := []Train{{To: b.local, Data: row32(0, 5, 100), Segment: 100}}
		if err := a.Write(trains); err != nil || trains[0].Err != nil {
			t.Fatal(err, trains[0].Err)
		}
		readAll(t, b, 5)
	}
}

func TestErrorThatStaysIsReportedAndTheRestSent(t *testing.T) {
	a, b := open(t, Batched), open(t, Auto)
	w := a.engine.(*batch).writer
	calls := 0
	w.send = func(fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) {
		calls++
		if binary.BigEndian.Uint32(unsafeBytes(msgs[0].Hdr.Iov.Base, 4)) == 2 {
			return 0, syscall.EPERM // nftables: reject or drop
		}
		return sendmmsg(fd, msgs[:1])
	}
	trains := []Train{{To: b.local, Data: row32(0, 5, 100), Segment: 100}, {To: b.local, Data: row32(5, 1, 100)}}
	if err := a.Write(trains); err != nil || !errors.Is(trains[0].Err, syscall.EPERM) || trains[1].Err != nil {
		t.Fatal(err, trains[0].Err, trains[1].Err)
	}
	if got := readAll(t, b, 5); got[2] != 3 || got[4] != 5 {
		t.Fatal(got)
	}
	if calls > 12 {
		t.Fatal(calls, "calls")
	}
}

func TestKernelThatTakesAFewAtATime(t *testing.T) {
	a, b := open(t, Batched), open(t, Auto)
	w := a.engine.(*batch).writer
	w.send = func(fd uintptr, msgs []unix.Mmsghdr) (int, syscall.Errno) {
		return sendmmsg(fd, msgs[:min(2, len(msgs))])
	}
	trains := []Train{{To: b.local, Data: row32(0, 9, 100), Segment: 100}}
	if err := a.Write(trains); err != nil || trains[0].Err != nil {
		t.Fatal(err, trains[0].Err)
	}
	if got := readAll(t, b, 9); got[8] != 8 {
		t.Fatal(got)
	}
}

// namespace runs f on a thread with a network of its own, whose loopback has an MTU of 1,400 bytes.
func namespace(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	missing := func(why any) {
		if os.Getenv("CLOVE_INTEROP") == "required" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	if os.Getuid() != 0 {
		missing("needs root for a network namespace")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		missing(err)
	}
	done := make(chan string)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and the namespace with it
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- err.Error()
			return
		}
		if out, err := exec.Command("ip", "link", "set", "lo", "mtu", "1400", "up").CombinedOutput(); err != nil {
			done <- err.Error() + string(out)
			return
		}
		defer close(done)
		f(t)
	}()
	if why, ok := <-done; ok {
		missing(why)
	}
}

func TestInterfaceMTU(t *testing.T) {
	for name, mode := range map[string]Mode{"plain": Plain, "batched": Batched, "offload": Offload} {
		for at, header := range map[string]int{"127.0.0.1:0": 28, "[::1]:0": 48} {
			t.Run(name+" "+at, func(t *testing.T) {
				namespace(t, func(t *testing.T) {
					a, err := Listen(netip.MustParseAddrPort(at), Options{Mode: mode})
					if err != nil {
						t.Error(err)
						return
					}
					defer a.Close()
					const n = 10
					for _, c := range []struct {
						size int
						want error
					}{{1400 - header, nil}, {1400 - header + 1, ErrTooLarge}, {1400 - header, nil}} {
						trains := []Train{{To: a.local, Data: row32(0, n, c.size), Segment: c.size}, {To: a.local, Data: row32(n, 1, 20)}}
						if err := a.Write(trains); err != nil || trains[0].Err != c.want || trains[1].Err != nil {
							t.Errorf("%d bytes: %v %v %v", c.size, err, trains[0].Err, trains[1].Err)
							return
						}
						want := 1
						if c.want == nil {
							want += n
						}
						got := readAll(t, a, want)
						if got[want-1] != n {
							t.Error(got)
						}
					}
					if f := a.Features(); mode == Offload && !strings.Contains(f, "gso") || !strings.Contains(f, "df") {
						t.Error("offload given up because of the MTU:", f)
					}
				})
			})
		}
	}
}
