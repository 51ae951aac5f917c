//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/proxies/relay"
)

// fakeNetwork has one destination, whose streams are TCP connections to a server.
type fakeNetwork struct{ server string }

func (n fakeNetwork) Open(context.Context, gate.Spec) (gate.Destination, error) { return n, nil }
func (n fakeNetwork) Lookup(context.Context, string) (gate.Address, error) {
	return gate.Address{}, nil
}
func (n fakeNetwork) Address() gate.Address               { return gate.Address{} }
func (n fakeNetwork) Ready(context.Context) error         { return nil }
func (n fakeNetwork) Status() gate.Status                 { return gate.Status{Ready: true} }
func (n fakeNetwork) Close() error                        { return nil }
func (n fakeNetwork) Listen(uint16) (net.Listener, error) { return nil, errors.ErrUnsupported }
func (n fakeNetwork) ListenPacket(pb.PacketKind, uint16) (gate.PacketConn, error) {
	return nil, errors.ErrUnsupported
}

func (n fakeNetwork) Dial(ctx context.Context, _ string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", n.server)
	if err != nil {
		return nil, err
	}
	return stream{conn}, nil
}

// A stream hides from the relays that it is a socket, as a stream of I2P is none.
type stream struct{ net.Conn }

func (s stream) CloseWrite() error {
	tcp, ok := s.Conn.(*net.TCPConn)
	if !ok {
		return errors.ErrUnsupported
	}
	return tcp.CloseWrite()
}

// plainRelay is what clove does without a plugin. It ends with its listener.
func plainRelay(ctx context.Context, l net.Listener, n fakeNetwork) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		running.Go(func() {
			defer near.Close()
			far, err := n.Dial(ctx, "")
			if err != nil {
				return
			}
			defer far.Close()
			var sent, received atomic.Uint64
			relay.Join(ctx, near, far, relay.Limits{Idle: time.Minute, Linger: time.Minute}, &sent, &received)
		})
	}
}

// pluginTunnel starts the tcp plugin in a host of this process, and returns where its tunnel listens.
func pluginTunnel(ctx context.Context, o options, dir string, n fakeNetwork) (address string, stop func() error, err error) {
	g, err := gate.New(gate.Config{Network: n})
	if err != nil {
		return "", nil, err
	}
	h, err := host.New(host.Config{DataDir: dir, Beside: filepath.Dir(o.clove), Gate: g})
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	stop = func() error {
		cancel()
		return errors.Join(<-ended, g.Close())
	}
	const name = "bench"
	plan, err := h.Apply(ctx, host.Desired{Tunnels: map[string]host.TunnelConfig{name: {
		Type: "tcp-client", Enabled: true, Settings: map[string]any{"listen": "127.0.0.1:0", "destination": []any{"bench.i2p:80"}},
	}}})
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	for _, t := range h.Tunnels() {
		if t.Name == name && len(t.Local) == 1 {
			return t.Local[0], stop, nil
		}
	}
	return "", nil, errors.Join(fmt.Errorf("the tunnel does not listen: %v", plan.Problems), stop())
}

func benchGate(ctx context.Context, o options, dir string, out io.Writer) (err error) {
	load, err := startLoader()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, load.stop()) }()
	n := fakeNetwork{load.address}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go plainRelay(ctx, l, n)
	address, stop, err := pluginTunnel(ctx, o, dir, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	none, plain, plugin := &way{name: "nothing in between"}, &way{name: "clove's relay, no plugin"}, &way{name: "tcp-client plugin"}
	at := map[*way]string{none: load.address, plain: l.Addr().String(), plugin: address}
	for i := range o.repeat + 1 {
		for _, w := range []*way{plain, plugin, none} {
			// The loader is a child of this process, too, and counts for all: its part is taken off.
			before, err := ownTime(load.cmd.Process.Pid)
			if err != nil {
				return err
			}
			took, err := load.download(at[w], o.gateSize)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			after, err := ownTime(load.cmd.Process.Pid)
			if err != nil {
				return err
			}
			if i > 0 { // the first is for warming up
				w.samples = append(w.samples, sample{bytes: o.gateSize, took: took, cpu: after - before})
			}
		}
	}
	printWays(out, fmt.Sprintf("gate, %d MB", o.gateSize/mega), (*way).cpu, plain, plugin)
	fmt.Fprintf(out, "the loader itself, with %s: %.1f MB/s\n\n", none.name, none.speed())
	return nil
}

// ownTime is the CPU of this process and its children, but for one.
func ownTime(but int) (time.Duration, error) {
	all, err := processTime(os.Getpid())
	if err != nil {
		return 0, err
	}
	one, err := processTime(but)
	return all - one, err
}
