package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"clove.i2p/plugins/irc/ircd"
)

// ircName is what the IRC server of the demo calls itself.
const ircName = "irc.demo.i2p"

// An ircServer is ngircd, if it is installed, or else a small one of ours.
type ircServer struct {
	address string
	end     context.CancelFunc
	ended   chan struct{}
	once    sync.Once
}

func (s *ircServer) stop() {
	s.once.Do(func() {
		s.end()
		<-s.ended
	})
}

func startIRC(dir string, log *slog.Logger) (*ircServer, error) {
	if path, err := exec.LookPath("ngircd"); err == nil {
		s, err := startNgircd(path, dir)
		if err == nil {
			return s, nil
		}
		log.Warn("ngircd cannot be used; the demo has an IRC server of its own", "error", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &ircServer{address: l.Addr().String(), end: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		ircd.New(ircd.Config{Name: ircName}).Serve(ctx, l)
	}()
	return s, nil
}

// startNgircd runs ngircd on a free port of loopback, without DNS and ident.
func startNgircd(path, dir string) (*ircServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().(*net.TCPAddr)
	l.Close()
	file := filepath.Join(dir, "ngircd.conf")
	text := fmt.Sprintf("[Global]\nName = %s\nInfo = clove demo\nListen = 127.0.0.1\nPorts = %d\nMotdPhrase = Welcome to the demo of clove.\n"+
		"[Limits]\nMaxConnectionsIP = 0\n[Options]\nDNS = no\nIdent = no\nPAM = no\n[Channel]\nName = #demo\nTopic = The demo of clove\n", ircName, address.Port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "-n", "-f", file)
	dieWithUs(cmd)
	var said bytes.Buffer
	cmd.Stderr = &said
	s := &ircServer{address: address.String(), end: cancel, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(s.ended)
		lockThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		cancel()
		return nil, err
	}
	for range 100 {
		if c, err := net.Dial("tcp", s.address); err == nil {
			c.Close()
			return s, nil
		}
		select {
		case <-s.ended:
			return nil, fmt.Errorf("it ended: %s", bytes.TrimSpace(said.Bytes()))
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.stop()
	return nil, errors.New("it does not listen")
}
