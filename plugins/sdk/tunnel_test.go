package sdk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/plugintest"
	"clove.i2p/plugins/sdk"
)

const patience = 30 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		sdk.Serve(plugin(sdk.Server, echoServer))
	}
	goleak.VerifyTestMain(m)
}

var allPermissions = []sdk.Permission{
	sdk.DialI2P, sdk.ListenI2P, sdk.DialLocal, sdk.ListenLocal, sdk.DialClearnet, sdk.ReadFiles,
}

// plugin is one type whose Run is f.
func plugin[S any](kind sdk.DestinationKind, f func(ctx context.Context, t *sdk.Tunnel, s S) error) sdk.Plugin {
	return sdk.Plugin{
		Name: "test", Version: "1.0.0", Permissions: allPermissions,
		Types: []sdk.TunnelType{sdk.Type[S]{Name: "test", Destination: kind, Run: f}},
	}
}

// inTunnel runs f inside a tunnel.
func inTunnel[S any](t *testing.T, h *plugintest.Host, kind sdk.DestinationKind, settings map[string]any, f func(ctx context.Context, tun *sdk.Tunnel, s S)) {
	t.Helper()
	done := make(chan struct{})
	h.Start(plugin(kind, func(ctx context.Context, tun *sdk.Tunnel, s S) error {
		tun.Started()
		func() {
			defer close(done)
			f(ctx, tun, s)
		}()
		<-ctx.Done()
		return nil
	}), "test", settings)
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the tunnel hangs")
	}
}

func echo(_ context.Context, c net.Conn) { _, _ = io.Copy(c, c) }

func echoServer(ctx context.Context, t *sdk.Tunnel, _ struct{}) error {
	l, err := t.Listen(0)
	if err != nil {
		return err
	}
	return t.Serve(ctx, l, echo)
}

type closeWriter interface{ CloseWrite() error }

// exchange writes, half-closes and reads to the end.
func exchange(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if err := c.(closeWriter).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func dial(t *testing.T, h *plugintest.Host, tunnel string, port int) net.Conn {
	t.Helper()
	c, err := h.I2P.Dial(t.Context(), "visitor.i2p", tunnel, port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestServerSeesPeerAndPort(t *testing.T) {
	h := plugintest.NewHost(t)
	type seen struct {
		peer   sdk.Address
		isI2P  bool
		port   int
		local  string
		remote net.Addr
	}
	got := make(chan seen, 1)
	tun := h.Start(plugin(sdk.Server, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) error {
		l, err := tun.Listen(0)
		if err != nil {
			return err
		}
		return tun.Serve(ctx, l, func(ctx context.Context, c net.Conn) {
			peer, ok := sdk.PeerOf(c)
			got <- seen{peer, ok, sdk.LocalPort(c), c.LocalAddr().String(), c.RemoteAddr()}
			echo(ctx, c)
		})
	}), "test", nil)
	c := dial(t, h, tun.Name(), 4711)
	if answer := exchange(t, c, "hello"); answer != "hello" {
		t.Fatalf("got %q", answer)
	}
	s := <-got
	visitor := h.I2P.Address("visitor.i2p")
	if !s.isI2P || s.peer.Base32 != visitor.Base32 || s.peer.Base64 != visitor.Base64 || s.port != 4711 {
		t.Fatalf("saw %+v", s)
	}
	if host, _, err := net.SplitHostPort(s.remote.String()); err != nil || host != visitor.Base32 || s.remote.Network() != "i2p" {
		t.Fatalf("remote address %v", s.remote)
	}
	if s.local != tun.Address()+":4711" {
		t.Fatalf("local address %s, want port 4711 of %s", s.local, tun.Address())
	}
}

func TestDialReachesPeers(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := h.I2P.Listen("server.example.i2p", 80)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, io.MultiReader(strings.NewReader(c.RemoteAddr().String()+"|"), c))
				_ = c.Close()
			}()
		}
	}()
	h.I2P.Offline("asleep.i2p")
	inTunnel(t, h, sdk.Client, nil, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) {
		var from []string
		for _, isolation := range []string{"", "", "a", "b", "a"} {
			c, err := tun.DialIsolated(ctx, "server.example.i2p:80", isolation)
			if err != nil {
				t.Error(err)
				return
			}
			who, text, _ := strings.Cut(exchange(t, c, "ping"), "|")
			if text != "ping" {
				t.Errorf("got %q", text)
			}
			from = append(from, who)
			if peer, ok := sdk.PeerOf(c); !ok || peer.Base32 != h.I2P.Address("server.example.i2p").Base32 {
				t.Errorf("peer %v", peer)
			}
			_ = c.Close()
		}
		if from[0] != from[1] || from[2] != from[4] || from[0] == from[2] || from[2] == from[3] {
			t.Errorf("streams left from %v", from)
		}
		for address, want := range map[string]error{
			"server.example.i2p":    api.ErrRefused, // port 0
			"nobody.i2p:80":         api.ErrUnknownHost,
			"asleep.i2p:80":         api.ErrOffline,
			"server.example.i2p:81": api.ErrRefused,
			"not\xffutf8.i2p:80":    api.ErrInvalid,
		} {
			if _, err := tun.Dial(ctx, address); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", address, err, want)
			}
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := tun.Dial(ended, "server.example.i2p:80"); !errors.Is(err, context.Canceled) {
			t.Errorf("ended context: %v", err)
		}
		a, err := tun.Lookup(ctx, "server.example.i2p")
		if want := h.I2P.Address("server.example.i2p"); err != nil || a.Base32 != want.Base32 || a.Base64 != want.Base64 {
			t.Errorf("lookup: %v, %v", a, err)
		}
		if _, err := tun.Lookup(ctx, "nobody.i2p"); !errors.Is(err, api.ErrUnknownHost) {
			t.Errorf("lookup of nobody: %v", err)
		}
		if s, err := tun.Stat(ctx); err != nil || !s.Ready || s.Published || !strings.HasSuffix(s.Address.Base32, ".b32.i2p") {
			t.Errorf("stat: %+v, %v", s, err)
		}
	})
}

func TestDeadlinesOfConnections(t *testing.T) {
	h := plugintest.NewHost(t)
	l, err := h.I2P.Listen("silent.i2p", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	inTunnel(t, h, sdk.Client, nil, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) {
		c, err := tun.Dial(ctx, "silent.i2p:1")
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := io.Copy(c, endless{}); !errors.Is(err, os.ErrDeadlineExceeded) || n > 16<<20 {
			t.Errorf("write to a peer that does not read: %d bytes, %v", n, err)
		}
		_ = c.Close()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read of a closed connection: %v", err)
		}
	})
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

type localSettings struct {
	Listen string `setting:"listen" kind:"listen-address" default:"127.0.0.1:0"`
	Target string `setting:"target" kind:"dial-address"`
}

func TestLocalListenerAndDial(t *testing.T) {
	h := plugintest.NewHost(t)
	backend := listenTCP(t)
	go func() {
		for {
			c, err := backend.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.WriteString(c, c.RemoteAddr().(*net.TCPAddr).IP.String()+"|")
				echo(t.Context(), c)
				_ = c.Close()
			}()
		}
	}()
	target := backend.Addr().String()
	tun := h.Start(plugin(sdk.None, func(ctx context.Context, tun *sdk.Tunnel, s localSettings) error {
		l, err := tun.ListenLocal(s.Listen)
		if err != nil {
			return err
		}
		return tun.Serve(ctx, l, func(ctx context.Context, c net.Conn) {
			if _, ok := sdk.PeerOf(c); ok || sdk.LocalPort(c) != 0 {
				t.Error("a local client has a destination")
			}
			if host, _, err := net.SplitHostPort(c.RemoteAddr().String()); err != nil || host != "127.0.0.1" {
				t.Errorf("remote address %v", c.RemoteAddr())
			}
			to, err := tun.DialLocal(ctx, s.Target, "127.7.8.9")
			if err != nil {
				t.Error(err)
				return
			}
			defer to.Close()
			go func() {
				_, _ = io.Copy(to, c)
				_ = to.(closeWriter).CloseWrite()
			}()
			_, _ = io.Copy(c, to)
		})
	}), "test", map[string]any{"target": target})
	c, err := net.Dial("tcp", tun.LocalAddress())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := exchange(t, c, "hello"); got != "127.7.8.9|hello" {
		t.Fatalf("got %q", got)
	}
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestWhatSettingsDoNotNameIsRefused(t *testing.T) {
	h := plugintest.NewHost(t)
	inTunnel(t, h, sdk.None, nil, func(ctx context.Context, tun *sdk.Tunnel, _ localSettings) {
		if _, err := tun.ListenLocal("127.0.0.1:1"); !errors.Is(err, api.ErrPermission) {
			t.Errorf("listen: %v", err)
		}
		if _, err := tun.DialLocal(ctx, "127.0.0.1:22", ""); !errors.Is(err, api.ErrPermission) {
			t.Errorf("dial: %v", err)
		}
		if _, err := tun.ReadFile("/etc/passwd"); !errors.Is(err, fs.ErrPermission) || !errors.Is(err, api.ErrPermission) {
			t.Errorf("file: %v", err)
		}
	})
}

func TestPermissionsAreTheHosts(t *testing.T) {
	h := plugintest.NewHost(t)
	h.Grant(sdk.DialI2P)
	err := h.StartErr(plugin(sdk.Server, echoServer), "test", nil)
	if !errors.Is(err, api.ErrPermission) || !strings.Contains(err.Error(), "listen-i2p") {
		t.Fatalf("got %v", err)
	}
}

func TestClearnetGoesThroughTheHost(t *testing.T) {
	h := plugintest.NewHost(t)
	site := listenTCP(t)
	go func() {
		for {
			c, err := site.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "clearnet")
			_ = c.Close()
		}
	}()
	h.Clearnet(map[string]string{"example.com": site.Addr().String()})
	inTunnel(t, h, sdk.None, nil, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) {
		c, err := tun.DialClearnet(ctx, "example.com:80")
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if b, err := io.ReadAll(c); err != nil || string(b) != "clearnet" {
			t.Errorf("got %q, %v", b, err)
		}
		for address, want := range map[string]error{
			"example.com:25": api.ErrPermission, "nobody.example:80": api.ErrUnknownHost, "127.0.0.1:80": api.ErrPermission,
		} {
			if _, err := tun.DialClearnet(ctx, address); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", address, err, want)
			}
		}
	})
}

func TestServicesPassIsolationOn(t *testing.T) {
	h := plugintest.NewHost(t)
	tun := h.Start(plugin(sdk.Client, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) error {
		l, err := tun.Provide("outproxy")
		if err != nil {
			return err
		}
		return tun.Serve(ctx, l, func(ctx context.Context, c net.Conn) {
			_, _ = io.WriteString(c, sdk.IsolationOf(c)+"|")
			echo(ctx, c)
		})
	}), "test", nil)
	c := tun.Service(t.Context(), "outproxy", "user-1")
	defer c.Close()
	if got := exchange(t, c, "GET"); got != "user-1|GET" {
		t.Fatalf("got %q", got)
	}
	if _, err := tun.ServiceErr(t.Context(), "jump", ""); !errors.Is(err, api.ErrNotReady) {
		t.Fatalf("service that is not there: %v", err)
	}
}

func TestPackets(t *testing.T) {
	h := plugintest.NewHost(t)
	peer, err := h.I2P.ListenPacket("peer.i2p", sdk.Repliable, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	anyPort, err := h.I2P.ListenPacket("anyport.i2p", sdk.Repliable, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer anyPort.Close()
	inTunnel(t, h, sdk.Server, nil, func(_ context.Context, tun *sdk.Tunnel, _ struct{}) {
		c, err := tun.ListenPacket(sdk.Repliable, 9)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		if sdk.MaxPayload(c) < 10000 {
			t.Errorf("largest packet %d", sdk.MaxPayload(c))
		}
		if n, err := c.WriteTo([]byte("to no port"), sdk.Addr{Net: "i2p", Address: "anyport.i2p"}); err != nil || n != 10 {
			t.Errorf("%d, %v", n, err)
		}
		if n, _, err := anyPort.ReadFrom(make([]byte, 100)); err != nil || n != 10 {
			t.Errorf("port 0: %d, %v", n, err)
		}
		big := bytes.Repeat([]byte("x"), 9000)
		for _, payload := range [][]byte{[]byte("one"), big, {}} {
			if n, err := c.WriteTo(payload, sdk.Addr{Net: "i2p", Address: "peer.i2p:7"}); err != nil || n != len(payload) {
				t.Errorf("%d, %v", n, err)
			}
			b := make([]byte, 65536)
			n, from, err := peer.ReadFrom(b)
			if err != nil || !bytes.Equal(b[:n], payload) || !strings.HasSuffix(from, ".b32.i2p:9") {
				t.Errorf("peer got %d bytes from %s, %v", n, from, err)
				return
			}
			if err := peer.WriteTo(t.Context(), payload, from); err != nil {
				t.Error(err)
			}
			n, back, err := c.ReadFrom(b)
			if err != nil || !bytes.Equal(b[:n], payload) || back.String() != h.I2P.Address("peer.i2p").Base32+":7" {
				t.Errorf("got %d bytes from %v, %v", n, back, err)
			}
		}
		if _, err := c.WriteTo(make([]byte, 60000), sdk.Addr{Net: "i2p", Address: "peer.i2p:7"}); !errors.Is(err, api.ErrLimit) {
			t.Errorf("too large: %v", err)
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, _, err := c.ReadFrom(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("deadline: %v", err)
		}
	})
}

func TestLocalPackets(t *testing.T) {
	h := plugintest.NewHost(t)
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(append([]byte("re: "), b[:n]...), from)
		}
	}()
	settings := map[string]any{"target": server.LocalAddr().String()}
	inTunnel(t, h, sdk.None, settings, func(ctx context.Context, tun *sdk.Tunnel, s localSettings) {
		in, err := tun.ListenLocalPacket(s.Listen)
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		out, err := tun.DialLocalPacket(ctx, s.Target, "")
		if err != nil {
			t.Error(err)
			return
		}
		defer out.Close()
		client, err := net.Dial("udp", in.LocalAddr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		_ = client.SetDeadline(time.Now().Add(patience))
		_ = in.SetDeadline(time.Now().Add(patience))
		_ = out.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(client, "hello")
		b := make([]byte, 2048)
		n, from, err := in.ReadFrom(b)
		if err != nil || string(b[:n]) != "hello" || from.String() != client.LocalAddr().String() {
			t.Errorf("got %q from %v, %v", b[:n], from, err)
			return
		}
		if _, err := out.Write(b[:n]); err != nil {
			t.Error(err)
		}
		n, err = out.Read(b)
		if err != nil || string(b[:n]) != "re: hello" || out.RemoteAddr().String() != s.Target {
			t.Errorf("got %q, %v", b[:n], err)
		}
		if _, err := in.WriteTo(b[:n], from); err != nil {
			t.Error(err)
		}
		n, err = client.Read(b)
		if err != nil || string(b[:n]) != "re: hello" {
			t.Errorf("client got %q, %v", b[:n], err)
		}
	})
}

type fileSettings struct {
	Folder string `setting:"folder" kind:"folder" required:"true"`
	File   string `setting:"file" kind:"file"`
}

func TestFolderIsAnFS(t *testing.T) {
	h := plugintest.NewHost(t)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("index.html", "<h1>hello</h1>")
	write("img/logo.png", "png")
	write("empty.txt", "")
	large := strings.Repeat("0123456789abcdef", 1<<16)
	write("large.bin", large)
	settings := map[string]any{"folder": dir, "file": filepath.Join(dir, "index.html")}
	inTunnel(t, h, sdk.None, settings, func(_ context.Context, tun *sdk.Tunnel, s fileSettings) {
		files := tun.Folder(s.Folder)
		if err := fstest.TestFS(files, "index.html", "img/logo.png", "empty.txt", "large.bin"); err != nil {
			t.Error(err)
		}
		f, err := files.Open("large.bin")
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		seeker := f.(io.ReadSeeker)
		b := make([]byte, 16)
		for _, at := range []struct {
			offset int64
			whence int
			want   int64
		}{{5, io.SeekStart, 5}, {100, io.SeekCurrent, 121}, {-20, io.SeekEnd, int64(len(large)) - 20}, {0, io.SeekStart, 0}} {
			n, err := seeker.Seek(at.offset, at.whence)
			if err != nil || n != at.want {
				t.Errorf("seek: %d, %v, want %d", n, err, at.want)
			}
			if _, err := io.ReadFull(seeker, b); err != nil || string(b) != large[n:n+16] {
				t.Errorf("at %d: %q, %v", n, b, err)
			}
		}
		if _, err := seeker.Seek(0, io.SeekEnd); err != nil {
			t.Error(err)
		}
		if n, err := seeker.Read(b); n != 0 || err != io.EOF {
			t.Errorf("at the end: %d, %v", n, err)
		}
		for _, name := range []string{"../secret", "/etc/passwd", "not\xffutf8"} {
			if _, err := files.Open(name); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
		if _, err := files.Open("missing"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("missing: %v", err)
		}
		if b, err := tun.ReadFile(s.File); err != nil || string(b) != "<h1>hello</h1>" {
			t.Errorf("file: %q, %v", b, err)
		}
	})
}

func TestStore(t *testing.T) {
	h := plugintest.NewHost(t)
	inTunnel(t, h, sdk.None, nil, func(ctx context.Context, tun *sdk.Tunnel, _ struct{}) {
		if _, found, err := tun.Get(ctx, "a"); found || err != nil {
			t.Errorf("%v, %v", found, err)
		}
		for _, key := range []string{"a", "peer/1", "peer/2"} {
			if err := tun.Put(ctx, key, []byte("value of "+key)); err != nil {
				t.Error(err)
			}
		}
		if v, found, err := tun.Get(ctx, "peer/1"); !found || err != nil || string(v) != "value of peer/1" {
			t.Errorf("%q, %v, %v", v, found, err)
		}
		if keys, err := tun.Keys(ctx, "peer/"); err != nil || strings.Join(keys, " ") != "peer/1 peer/2" {
			t.Errorf("%v, %v", keys, err)
		}
		if err := tun.Delete(ctx, "a"); err != nil {
			t.Error(err)
		}
		if _, found, _ := tun.Get(ctx, "a"); found {
			t.Error("deleted and still there")
		}
		if err := tun.Put(ctx, "big", make([]byte, 64<<10+1)); !errors.Is(err, api.ErrLimit) && !errors.Is(err, api.ErrInvalid) {
			t.Errorf("too large: %v", err)
		}
		if err := tun.Put(ctx, "\xff", nil); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("key: %v", err)
		}
	})
}
