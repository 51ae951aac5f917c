package gate

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clove.i2p/plugins/api"
)

// socketPair is a data connection and the plugin's end of it.
func socketPair(t testing.TB) (here, plugin *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]*net.UnixConn
	for n, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		c, err := net.FileConn(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		conns[n] = c.(*net.UnixConn)
		t.Cleanup(func() { _ = c.Close() })
	}
	return conns[0], conns[1]
}

// Whatever comes first on a data connection, only a ticket that is outstanding opens a stream.
func FuzzFirstBytes(f *testing.F) {
	var known api.Ticket
	copy(known[:], "the one ticket that is outstanding")
	whole := api.AppendPreamble(nil, known)
	f.Add(whole)
	f.Add(append(whole[:40:40], "and the first bytes of the stream"...))
	f.Add(whole[:39])
	f.Add([]byte("CLVP\x02"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		g, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		_ = g.SetTunnel(TunnelSpec{Name: "t"})
		i := &Instance{gate: g, attached: make(map[string]*attachment), links: make(map[*link]struct{})}
		_ = i.Attach("t")
		a, _ := i.tunnel("t")
		l, _ := a.tunnel.reserve(kindI2P, "", true)
		a.slots <- struct{}{}
		i.tickets.table = map[api.Ticket]*ticket{known: {offer: &offer{link: l}, attachment: a, timer: time.NewTimer(time.Hour)}}

		here, plugin := socketPair(t)
		go func() {
			_, _ = plugin.Write(b)
			_ = plugin.CloseWrite()
		}()
		o := i.redeem(here, func(*net.UnixConn) error { return nil })
		if good := bytes.HasPrefix(b, whole); good != (o != nil) {
			t.Fatalf("%x: opened %v", b, o != nil)
		}
		if o == nil {
			if _, err := here.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Fatalf("not closed: %v", err)
			}
			return
		}
		if rest, err := io.ReadAll(here); err != nil || !bytes.Equal(rest, b[api.PreambleSize:]) {
			t.Fatalf("the stream begins with %x, %v", rest, err)
		}
	})
}

// Whatever frames a plugin sends, what is passed on is what the frames say, and the rest ends the connection.
func FuzzFrames(f *testing.F) {
	one, _ := api.AppendFrame(nil, "a.i2p:1", []byte("payload"))
	two, _ := api.AppendFrame(one, "", nil)
	f.Add(two)
	f.Add(one[:5])
	f.Add([]byte{0, 0})
	f.Add([]byte{0, 1, 200})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		g, _ := New(Config{})
		defer g.Close()
		_ = g.SetTunnel(TunnelSpec{Name: "t"})
		tun, _ := g.tunnel("t")
		l, _ := tun.reserve(kindPackets, "", true)
		here, plugin := socketPair(t)
		go func() {
			_, _ = plugin.Write(b)
			_ = plugin.CloseWrite()
		}()
		var again []byte
		newPacketSink(l, here).serve(func(to string, payload []byte) bool {
			var err error
			if again, err = api.AppendFrame(again, to, payload); err != nil {
				t.Fatal(err)
			}
			return true
		})
		if !bytes.HasPrefix(b, again) {
			t.Errorf("%x was passed on of %x", again, b)
		}
	})
}

// Settings come from a user's file, addresses in calls from plugins.
func FuzzAddresses(f *testing.F) {
	for _, s := range []string{"127.0.0.1:80", "http://[::1]:81/x", "https://host", "http://", "[::1]", ":80", "a.i2p", "a.i2p:80", "1-2", "http://a@b:80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if key, err := dialAddress(s); err == nil {
			if again, err := dialAddress(key); err != nil || again != key {
				t.Errorf("%q is %q, and that is %q, %v", s, key, again, err)
			}
		}
		if a, err := i2pAddress(s); err == nil {
			if _, _, err := net.SplitHostPort(a); err != nil {
				t.Errorf("%q: %q, %v", s, a, err)
			}
		}
		if r, err := parsePorts(s); err == nil && (r.from == 0 || r.to < r.from) {
			t.Errorf("%q: %v", s, r)
		}
	})
}

func FuzzLogText(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b]0;title\a\r\n\xff")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range logText(s) {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				t.Errorf("%q is in the log", r)
			}
		}
	})
}
