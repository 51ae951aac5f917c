package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// A Server answers on the control socket.
type Server struct {
	clove    Clove
	listener net.Listener
	log      *slog.Logger

	mu    sync.Mutex
	ended bool
	sites sync.WaitGroup // serve requests; none begins once ended is set
}

// Listen opens the socket, which only its owner can use. A live one is ErrRunning.
func Listen(path string, c Clove, log *slog.Logger) (*Server, error) {
	l, err := listen(path)
	if err != nil {
		return nil, err
	}
	return &Server{clove: c, listener: l, log: log}, nil
}

// Close releases the socket of a server that does not Serve.
func (s *Server) Close() error { return s.listener.Close() }

// Serve answers until ctx ends. It returns when the eepsites have ended too.
func (s *Server) Serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("POST /v1/serve", s.serve)
	s.routes(mux)
	debug(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "not_found", fmt.Errorf("no %s %s in this API", r.Method, r.URL.Path))
	})
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(s.listener)
	failed := ctx.Err() == nil
	server.Close()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.sites.Wait()
	if failed {
		return fmt.Errorf("control API: %w", err)
	}
	return nil
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s.clove.Status())
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		return
	}
	defer s.sites.Done()
	var request ServeRequest
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&request); err != nil {
		fail(w, http.StatusBadRequest, "bad_request", err)
		return
	}
	io.Copy(io.Discard, r.Body) // net/http tells that the client is gone only once it has read the body
	w.Header().Set("Content-Type", "application/x-ndjson")
	flush := http.NewResponseController(w)
	started := false
	tell := func(p ServeProgress) {
		started = true
		json.NewEncoder(w).Encode(p)
		flush.Flush()
	}
	err := s.clove.Serve(r.Context(), request, tell)
	switch {
	case err == nil:
	case started:
		tell(ServeProgress{Error: err.Error()})
	default:
		fail(w, http.StatusUnprocessableEntity, "cannot_serve", err)
	}
}

// begin counts a request that lasts.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.sites.Add(1)
	}
	return !s.ended
}
