package httpguard

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// Admit looks at a new connection before a byte is read. It returns a refusal, which is answered; otherwise leave, which may be
// nil, is called when the connection ends.
type Admit func(net.Conn) (leave func(), refusal *Refusal)

// Config of a Server.
type Config struct {
	Limits  Limits
	Handler http.Handler
	// Refused answers a request that Handler must not see. Every Refusal is counted there, and nowhere else.
	Refused func(http.ResponseWriter, *http.Request, Refusal)
	Admit   Admit               // nil: everybody
	Divert  func(net.Conn) bool // takes a connection that is not HTTP, and returns at once; nil: all are
}

// Server serves HTTP/1.1 on one listener.
type Server struct {
	limits Limits
	config Config
	mark   string // the secret of our own requests
	http   *http.Server

	mu   sync.Mutex
	open map[*Conn]struct{}
	none chan struct{} // closed when Serve has stopped accepting and open is empty
	done bool          // Serve has stopped accepting
	kill bool          // connections are closed without ceremony
}

const markHeader = "X-Clove-Refused"

type connKey struct{}

// New returns a server that does not serve yet.
func New(c Config) *Server {
	s := &Server{limits: c.Limits, config: c, mark: rand.Text(), open: make(map[*Conn]struct{}), none: make(chan struct{})}
	s.http = &http.Server{
		Handler:                      http.HandlerFunc(s.serve),
		DisableGeneralOptionsHandler: true,
		IdleTimeout:                  c.Limits.Idle,
		MaxHeaderBytes:               c.Limits.HeadBytes + marginBytes,
		ErrorLog:                     log.New(io.Discard, "", 0), // its lines name visitors
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
		ConnState: func(conn net.Conn, state http.ConnState) {
			if c, ok := conn.(*Conn); ok && state == http.StateIdle {
				c.idle()
			}
		},
	}
	return s
}

// ConnOf is the stream on which a request came.
func ConnOf(r *http.Request) net.Conn {
	if c, ok := r.Context().Value(connKey{}).(*Conn); ok {
		return c.Conn
	}
	return nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*Conn); ok && r.Header.Get(markHeader) == s.mark {
		c.mu.Lock()
		refusal := *c.refusal
		c.mu.Unlock()
		w.Header().Set("Connection", "close")
		s.config.Refused(w, r, refusal)
		return
	}
	s.config.Handler.ServeHTTP(w, r)
}

// Serve accepts connections until the listener is closed, and then waits for the open ones: requests are answered, idle
// connections closed. When ctx ends, all connections are closed. The listener stays its owner's, who has to close it in both
// cases. The error is that of a listener which broke.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, s.abort)
	defer stop()
	err := s.http.Serve(&listener{Listener: l, server: s})
	s.mu.Lock()
	s.done = true
	if len(s.open) == 0 {
		close(s.none)
	}
	s.mu.Unlock()
	_ = s.http.Shutdown(ctx)
	select {
	case <-s.none:
	case <-ctx.Done():
		s.abort()
		<-s.none
	}
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// abort closes everything now.
func (s *Server) abort() {
	s.mu.Lock()
	s.kill = true
	open := make([]*Conn, 0, len(s.open))
	for c := range s.open {
		open = append(open, c)
	}
	s.mu.Unlock()
	_ = s.http.Close()
	for _, c := range open {
		_ = c.Close()
	}
}

func (s *Server) stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kill
}

func (s *Server) opened(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
}

func (s *Server) closed(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	if s.done && len(s.open) == 0 {
		close(s.none)
	}
}

// listener puts the guard on what it accepts.
type listener struct {
	net.Listener
	server *Server
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if divert := l.server.config.Divert; divert != nil && divert(conn) {
			continue
		}
		var leave func()
		var refusal *Refusal
		if admit := l.server.config.Admit; admit != nil {
			leave, refusal = admit(conn)
		}
		c := newConn(l.server, conn, refusal, leave)
		l.server.opened(c)
		if l.server.stopped() {
			_ = c.Close()
		}
		return c, nil
	}
}

// Close does nothing: http.Server would close a listener that outlives it.
func (l *listener) Close() error { return nil }
