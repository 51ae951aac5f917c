package host_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"clove.i2p/plugins/host"
)

// slowReader sends something to the echo of tunnel s, ends its side, and reads nothing until read is called: the plugin has
// written all and closed the connection, and more than a socket holds is on the way.
func (b *bed) slowReader() (read func()) {
	b.t.Helper()
	text := bytes.Repeat([]byte("0123456789"), 30_000)
	c, err := b.net.Dial(b.ctx, "visitor", "s", 1)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(text); err != nil {
		b.t.Fatal(err)
	}
	_ = c.(interface{ CloseWrite() error }).CloseWrite()
	return func() {
		b.t.Helper()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, text) {
			b.t.Errorf("%d of %d bytes came back, %v", len(got), len(text), err)
		}
	}
}

func TestWhatWasWrittenArrivesAlthoughThePluginGoes(t *testing.T) {
	for name, act := range map[string]func(b *bed) error{
		"detach": func(b *bed) error { return b.host.Detach(b.ctx, "tester") },
		"upgrade": func(b *bed) error {
			b.install("tester", script{Version: "2"})
			return b.host.Upgrade(b.ctx, "tester", b.desired.Plugins["tester"])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.install("tester", script{Version: "1"})
			b.desired.Tunnels["s"] = host.TunnelConfig{Type: "test-server", Enabled: true}
			b.applied()
			pid := b.plugin("tester").PID
			read := b.slowReader()
			done := make(chan error, 1)
			go func() {
				err := act(b)
				for deadline := time.Now().Add(time.Second); time.Now().Before(deadline) && syscall.Kill(pid, 0) == nil; {
					time.Sleep(10 * time.Millisecond) // the old process drains
				}
				done <- err
			}()
			var err error
			select {
			case err = <-done:
				read()
			case <-time.After(time.Second):
				read()
				err = <-done
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// A connection that has not ended at the deadline is reset, before the plugin's Stop closes it.
func TestDeadlineLooksLikeNoCleanEnd(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *host.Config) { c.Drain = 200 * time.Millisecond })
	b.install("tester", script{Version: "1"})
	address := b.local("a", "test-local", "hi")
	b.applied()
	c, _ := b.connect(address)
	if err := b.host.Detach(b.ctx, "tester"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, err := c.Read(make([]byte, 1))
	if e := net.Error(nil); !errors.Is(err, syscall.ECONNRESET) || errors.As(err, &e) && e.Timeout() {
		t.Errorf("it ends with %v", err)
	}
}
