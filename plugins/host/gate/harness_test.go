package gate_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		child(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is for what takes milliseconds on an idle machine.
const patience = 30 * time.Second

var allPermissions = []pb.Permission{
	pb.Permission_DIAL_I2P, pb.Permission_LISTEN_I2P, pb.Permission_DIAL_LOCAL, pb.Permission_LISTEN_LOCAL, pb.Permission_DIAL_CLEARNET, pb.Permission_READ_FILES,
}

// lines is a log that tests read.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// bed is a gate over a network of its own.
type bed struct {
	t    testing.TB
	ctx  context.Context
	net  *network
	gate *gate.Gate
	log  *lines
}

func newBed(t testing.TB, change ...func(*gate.Config)) *bed {
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	b := &bed{t: t, ctx: ctx, net: newNetwork(), log: new(lines)}
	cfg := gate.Config{Network: b.net, Data: t.TempDir(), Log: slog.New(slog.NewTextHandler(b.log, nil))}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if b.gate, err = gate.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := b.gate.Close(); err != nil {
			t.Error(err)
		}
		b.net.close()
	})
	return b
}

// tunnel adds a server tunnel with grants.
func (b *bed) tunnel(name string, change ...func(*gate.TunnelSpec)) {
	b.t.Helper()
	spec := gate.TunnelSpec{Name: name, Type: "test", Destination: pb.DestinationKind_SERVER, Published: true, KeyFile: "/keys/" + name}
	for _, c := range change {
		c(&spec)
	}
	if err := b.gate.SetTunnel(spec); err != nil {
		b.t.Fatal(err)
	}
}

// process is a plugin process, in this one.
type process struct {
	pb.HostClient
	t        testing.TB
	bed      *bed
	instance *gate.Instance
	end      func() // and wait
}

// start serves a process with all permissions that is attached to tunnels.
func (b *bed) start(tunnels ...string) *process {
	return b.startWith(gate.InstanceConfig{Plugin: "tester", Permissions: allPermissions}, os.Getpid(), tunnels...)
}

func (b *bed) startWith(cfg gate.InstanceConfig, pid int, tunnels ...string) *process {
	b.t.Helper()
	i, err := b.gate.NewInstance(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range tunnels {
		if err := i.Attach(name); err != nil {
			b.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- i.Serve(ctx, pid) }()
	conn, err := grpc.NewClient("unix:"+i.HostSocket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.t.Fatal(err)
	}
	p := &process{HostClient: pb.NewHostClient(conn), t: b.t, bed: b, instance: i}
	p.end = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			b.t.Error(err)
		}
		_ = conn.Close()
	})
	b.t.Cleanup(p.end)
	return p
}

// redeem connects to the data socket with a ticket.
func (p *process) redeem(ticket []byte) *net.UnixConn {
	p.t.Helper()
	conn := p.rawData()
	if _, err := conn.Write(api.AppendPreamble(nil, api.Ticket(ticket))); err != nil {
		p.t.Fatal(err)
	}
	return conn
}

func (p *process) rawData() *net.UnixConn {
	p.t.Helper()
	conn, err := net.Dial("unix", p.instance.DataSocket())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.UnixConn)
}

// listen listens on a port of the tunnel and accepts.
func (p *process) listen(tunnel string, port uint32) (*pb.Listener, pb.Host_AcceptClient) {
	p.t.Helper()
	l, err := p.Listen(p.bed.ctx, &pb.ListenRequest{Tunnel: tunnel, Port: port})
	if err != nil {
		p.t.Fatal(err)
	}
	return l, p.accept(tunnel, l)
}

func (p *process) accept(tunnel string, l *pb.Listener) pb.Host_AcceptClient {
	p.t.Helper()
	a, err := p.Accept(p.bed.ctx, &pb.AcceptRequest{Tunnel: tunnel, Id: l.Id})
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

func next(t testing.TB, a pb.Host_AcceptClient) *pb.Accepted {
	t.Helper()
	got, err := a.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// eventually waits for what happens soon, on another goroutine.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// ping sends text one way and expects it at the other end.
func ping(t testing.TB, from, to net.Conn, text string) {
	t.Helper()
	_ = from.SetDeadline(time.Now().Add(patience))
	_ = to.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(text))
	if _, err := io.ReadFull(to, b); err != nil || string(b) != text {
		t.Fatalf("got %q, %v; want %q", b, err, text)
	}
}

// ended expects that a connection ends without a byte.
func ended(t testing.TB, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	n, err := c.Read(make([]byte, 1))
	if e, ok := err.(net.Error); n != 0 || err == nil || ok && e.Timeout() {
		t.Fatalf("read %d, %v: want an end", n, err)
	}
}

// wantErr expects an error of package api whose text has all parts.
func wantErr(t testing.TB, err, is error, parts ...string) {
	t.Helper()
	err = api.FromStatus(err)
	if err == nil {
		t.Fatalf("no error, want %v", is)
	}
	if !isErr(err, is) {
		t.Errorf("error %q is no %q", err, is)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
}
