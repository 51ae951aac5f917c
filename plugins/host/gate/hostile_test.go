package gate_test

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

// good is a process that must not notice what another one does.
func good(b *bed) (works func()) {
	b.tunnel("good")
	p := b.startWith(gate.InstanceConfig{Plugin: "good", Permissions: allPermissions}, 0, "good")
	_, accept := p.listen("good", 0)
	peer := b.net.peer("friend.i2p")
	name := addressOf(b, "good") + ":1"
	return func() {
		b.t.Helper()
		far, err := peer.Dial(b.ctx, name)
		if err != nil {
			b.t.Fatal(err)
		}
		defer far.Close()
		conn := p.redeem(next(b.t, accept).Ticket)
		ping(b.t, far, conn, "good")
		_ = conn.Close()
	}
}

func TestBadPreamblesGetAnEnd(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	_, accept := p.listen("t", 0)
	far, _ := b.net.peer("friend.i2p").Dial(b.ctx, addressOf(b, "t")+":1")
	defer far.Close()
	ticket := next(t, accept).Ticket
	whole := api.AppendPreamble(nil, api.Ticket(ticket))
	for _, bad := range [][]byte{
		make([]byte, 40), []byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n____"), api.AppendPreamble(nil, api.Ticket{}),
		append([]byte("CLVP\x02\x00\x00\x00"), whole[8:]...), append([]byte("CLVP\x01\x00\x00\x01"), whole[8:]...),
		append(append([]byte(nil), whole[:39]...), whole[39]^1),
	} {
		c := p.rawData()
		_, _ = c.Write(bad)
		ended(t, c)
	}
	first, second := p.redeem(ticket), p.redeem(ticket)
	_ = first.SetDeadline(time.Now().Add(patience))
	go func() { _, _ = io.WriteString(far, "one") }()
	// One of the two gets the stream, the other an end.
	var got []string
	for _, c := range []net.Conn{first, second} {
		buf := make([]byte, 3)
		_ = c.SetReadDeadline(time.Now().Add(patience))
		n, _ := io.ReadFull(c, buf)
		if n > 0 {
			got = append(got, string(buf[:n]))
		}
		if n > 0 {
			break
		}
	}
	if len(got) != 1 || got[0] != "one" {
		t.Errorf("got %q: a ticket is good once", got)
	}
}

func TestConnectionsToTheHostServiceAreFew(t *testing.T) {
	b := newBed(t)
	works := good(b)
	b.tunnel("t")
	p := b.start("t")
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for range 200 {
		c, err := net.Dial("unix", p.instance.HostSocket())
		if err != nil {
			break
		}
		open = append(open, c)
	}
	kept := 0
	for _, c := range open {
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := c.Read(make([]byte, 1)); n > 0 || isTimeout(err) {
			kept++
		}
	}
	if kept > 8 {
		t.Errorf("%d connections were kept, want 8 at the most", kept)
	}
	works()
}

func TestCallsThatRunAreBounded(t *testing.T) {
	b := newBed(t)
	works := good(b)
	b.tunnel("t", func(s *gate.TunnelSpec) { s.MaxConnections = 5000 })
	p := b.start("t")
	b.net.mu.Lock()
	b.net.hold = make(chan struct{}) // no destination opens
	b.net.mu.Unlock()
	defer close(b.net.hold)
	failed := make(chan error, 3000)
	// Several connections: each one may have as many streams as all together.
	var clients []pb.HostClient
	for range 3 {
		c, err := grpc.NewClient("unix:"+p.instance.HostSocket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, pb.NewHostClient(c))
	}
	var calls sync.WaitGroup
	for n := range 3000 {
		calls.Go(func() {
			_, err := clients[n%3].Dial(b.ctx, &pb.DialRequest{Tunnel: "t", Address: "a.i2p:1", TimeoutMs: patience.Milliseconds()})
			failed <- err
		})
	}
	for range 3000 - 1024 {
		if err := <-failed; status.Code(err) != codes.ResourceExhausted {
			t.Fatalf("a call beyond the limit: %v", err)
		}
	}
	select {
	case err := <-failed:
		t.Errorf("fewer than 1024 run: %v", err)
	default:
	}
	works()
	p.end()
	calls.Wait()
}

func TestLargeMessagesAreRefused(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	_, err := p.Put(b.ctx, &pb.PutRequest{Tunnel: "t", Key: "k", Value: make([]byte, 1<<20)})
	wantErr(t, err, api.ErrLimit)
	if _, err := p.Get(b.ctx, &pb.GetRequest{Tunnel: "t", Key: "k"}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestTicketsThatAreNeverRedeemedAreBounded(t *testing.T) {
	b := newBed(t)
	works := good(b)
	b.tunnel("t")
	far, _ := b.net.peer("site.i2p").Listen(80)
	defer far.Close()
	go echo(far)
	p := b.start("t")
	for n := range 64 {
		if _, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "t", Address: "site.i2p:80"}); err != nil {
			t.Fatal(n, err)
		}
	}
	_, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "t", Address: "site.i2p:80", TimeoutMs: 50})
	wantErr(t, err, api.ErrLimit, "tickets")
	works()
	if n := len(b.gate.Connections("t")); n != 64 {
		t.Errorf("%d connections are held, want 64", n)
	}
}

func TestAcceptCallsReplaceEachOther(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	l, accept := p.listen("t", 0)
	all := []pb.Host_AcceptClient{accept}
	for range 100 {
		all = append(all, p.accept("t", l))
	}
	got := make(chan *pb.Accepted, len(all))
	for _, a := range all {
		go func() {
			one, _ := a.Recv()
			got <- one
		}()
	}
	for range len(all) - 1 {
		if one := <-got; one != nil {
			t.Fatalf("accepted %v: there was no connection", one)
		}
	}
	far, _ := b.net.peer("friend.i2p").Dial(b.ctx, addressOf(b, "t")+":1")
	defer far.Close()
	if <-got == nil {
		t.Error("the newest Accept call got no connection")
	}
}

func TestListenersAreBounded(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	for n := range 64 {
		if _, err := p.Provide(b.ctx, &pb.ProvideRequest{Tunnel: "t", Service: fmt.Sprint("s", n)}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := p.Provide(b.ctx, &pb.ProvideRequest{Tunnel: "t", Service: "one-more"})
	wantErr(t, err, api.ErrLimit)
	_, err = p.Listen(b.ctx, &pb.ListenRequest{Tunnel: "t"})
	wantErr(t, err, api.ErrLimit)
}

const childEnv = "GATE_TEST_CHILD"

// child is the test binary as another process: it connects to the data socket, shows a ticket and prints what comes.
func child(path string) {
	ticket, _ := hex.DecodeString(os.Getenv(childEnv + "_TICKET"))
	conn, err := net.Dial("unix", path)
	if err != nil {
		fmt.Println("dial:", err)
		return
	}
	_, _ = conn.Write(api.AppendPreamble(nil, api.Ticket(ticket)))
	line, _ := bufio.NewReader(conn).ReadString('\n')
	fmt.Printf("got %q\n", line)
}

func TestOnlyTheProcessAndItsDescendantsMayConnect(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the kernel tells the process on Linux only")
	}
	b := newBed(t)
	b.tunnel("t")
	other := exec.Command("sleep", "600")
	if err := other.Start(); err != nil {
		t.Skip(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	i, err := b.gate.NewInstance(gate.InstanceConfig{Plugin: "x"})
	if err != nil {
		t.Fatal(err)
	}
	i.Close()
	// To a process that we are not, we are a stranger.
	stranger := b.startWith(gate.InstanceConfig{Plugin: "x", Permissions: allPermissions}, other.Process.Pid, "t")
	ended(t, stranger.rawData())
	c, err := net.Dial("unix", stranger.instance.HostSocket())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ended(t, c)
	stranger.end()

	// A child of the process belongs to it.
	p := b.start("t")
	_, accept := p.listen("t", 0)
	far, _ := b.net.peer("friend.i2p").Dial(b.ctx, addressOf(b, "t")+":1")
	defer far.Close()
	ticket := next(t, accept).Ticket
	_, _ = io.WriteString(far, "hello\n")
	self := exec.Command(os.Args[0])
	self.Env = append(os.Environ(), childEnv+"="+p.instance.DataSocket(), childEnv+"_TICKET="+hex.EncodeToString(ticket))
	out, err := self.CombinedOutput()
	if err != nil || string(out) != "got \"hello\\n\"\n" {
		t.Errorf("the child says %q, %v", out, err)
	}
}

func TestCallsAfterTheEndFail(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	p.end()
	if err := p.instance.Attach("t"); !errors.Is(err, api.ErrNotReady) {
		t.Errorf("attach after the end: %v", err)
	}
	if _, err := os.Stat(p.instance.Folder()); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}
