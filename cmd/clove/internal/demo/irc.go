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
	end     func()
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

// leashed runs a program until it ends, or until the other end of standard input does: with this process, however that ends. A
// signal at the end of its parent would not do: ngircd changes its user, which takes that away.
const leashed = `exec 3<&0; "$0" -n -f "$1" 3<&- & p=$!; (read -r _ <&3; kill $p) 2>/dev/null & w=$!; wait $p; kill $w 2>/dev/null`

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
	cmd := exec.Command("/bin/sh", "-c", leashed, path, file)
	leash, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &ircServer{address: address.String(), end: func() { leash.Close() }, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		cmd.Wait()
	}()
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
