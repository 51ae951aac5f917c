package ircd

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
)

// Config is what New takes.
type Config struct {
	// Name is the server's own name, "irc.i2p" if empty.
	Name string
	// MOTD is shown to who connects, a line each.
	MOTD []string
	// WebIRCPassword lets a gateway say where its client comes from; empty: WEBIRC is refused.
	WebIRCPassword string
	// MaxClients is 200 if zero.
	MaxClients int
}

// Server is an IRC server.
type Server struct {
	cfg Config

	mu       sync.Mutex
	clients  map[*client]struct{}
	nicks    map[string]*client // by folded nick
	channels map[string]*channel
}

// New makes a server; it listens to nothing.
func New(cfg Config) *Server {
	if cfg.Name == "" {
		cfg.Name = "irc.i2p"
	}
	if cfg.MaxClients == 0 {
		cfg.MaxClients = defaultMaxClients
	}
	return &Server{
		cfg: cfg, clients: make(map[*client]struct{}), nicks: make(map[string]*client), channels: make(map[string]*channel),
	}
}

// Serve takes clients until ctx ends or the listener fails, and then ends them. It closes l. The error is nil after ctx
// has ended or l was closed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("ircd: accept: %w", err)
		}
		c := newClient(s, conn)
		if !s.add(c) {
			_, _ = conn.Write([]byte("ERROR :Too many clients\r\n"))
			_ = conn.Close()
			continue
		}
		running.Go(func() { c.run(ctx) })
	}
}

func (s *Server) add(c *client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= s.cfg.MaxClients {
		return false
	}
	s.clients[c] = struct{}{}
	return true
}

// remove takes a client out of everything and tells those who shared a channel with it.
func (s *Server) remove(c *client, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.clients[c]; !ok {
		return
	}
	delete(s.clients, c)
	for peer := range s.audience(c) {
		peer.send(":%s QUIT :%s", c.mask(), why)
	}
	for _, ch := range s.channels {
		s.leave(c, ch)
	}
	if s.nicks[fold(c.nick)] == c {
		delete(s.nicks, fold(c.nick))
	}
	close(c.queue)
}

// audience is who shares a channel with c, without c.
func (s *Server) audience(c *client) map[*client]struct{} {
	all := make(map[*client]struct{})
	for _, ch := range s.channels {
		if _, ok := ch.members[c]; ok {
			for peer := range ch.members {
				all[peer] = struct{}{}
			}
		}
	}
	delete(all, c)
	return all
}

// handle answers one message. It returns false where the client has to go, with the reason.
func (s *Server) handle(c *client, m message) (why string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.command == "QUIT" {
		return "Quit: " + m.param(0), false
	}
	if do, found := anytime[m.command]; found {
		do(s, c, m)
		return "", true
	}
	if !c.registered {
		if m.command == "WEBIRC" {
			return s.webirc(c, m)
		}
		c.numeric(451, ":You have not registered")
		return "", true
	}
	do, found := commands[m.command]
	if !found {
		c.numeric(421, "%s :Unknown command", m.command)
		return "", true
	}
	if len(m.params) < do.params {
		c.numeric(461, "%s :Not enough parameters", m.command)
		return "", true
	}
	do.run(s, c, m)
	return "", true
}

// webirc: WEBIRC password gateway host ip.
func (s *Server) webirc(c *client, m message) (why string, ok bool) {
	want := s.cfg.WebIRCPassword
	if want == "" || len(m.params) != 4 || subtle.ConstantTimeCompare([]byte(want), []byte(m.params[0])) != 1 {
		return "Bad WEBIRC", false
	}
	c.host = m.params[2]
	return "", true
}

// Nicks are the names of those who are registered, sorted.
func (s *Server) Nicks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, c := range s.nicks {
		if c.registered {
			all = append(all, c.nick)
		}
	}
	slices.Sort(all)
	return all
}
