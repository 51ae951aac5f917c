package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A Clove is what the API controls.
type Clove interface {
	Status() Status
	// Serve hosts an eepsite until ctx ends. It calls progress when the address is known, and again when it can be
	// reached.
	Serve(ctx context.Context, r ServeRequest, progress func(ServeProgress)) error
}

// ServeRequest asks for an eepsite.
type ServeRequest struct {
	Target  string `json:"target"`             // a folder, or the address of a local web server
	KeyFile string `json:"key_file,omitempty"` // made if it is not there
}

// ServeProgress tells how far it is. Error ends it.
type ServeProgress struct {
	Eepsite string `json:"eepsite,omitempty"`
	Ready   bool   `json:"ready"`
	Error   string `json:"error,omitempty"`
}

// ErrRunning: another clove has the data directory.
var ErrRunning = errors.New("another clove is running")

// maxSocketPath is the room in sockaddr_un.
const maxSocketPath = 107

// A Server answers on the control socket.
type Server struct {
	clove    Clove
	listener net.Listener
	log      *slog.Logger
}

// Listen opens the socket, mode 0600 in a folder of mode 0700. A socket that a crash left behind is replaced; a live one is
// ErrRunning.
func Listen(path string, c Clove, log *slog.Logger) (*Server, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("control socket %s: the path is longer than %d bytes; choose a shorter data_dir", path, maxSocketPath)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return nil, fmt.Errorf("%w with this data directory (%s answers); stop it, or use another --data-dir", ErrRunning, path)
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("control socket: %w", err)
		}
	}
	// The socket never exists with more than owner's rights: the folder is private, and the umask is not ours to set.
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return &Server{clove: c, listener: l, log: log}, nil
}

// Close releases the socket of a server that does not Serve.
func (s *Server) Close() error { return s.listener.Close() }

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("POST /v1/serve", s.serve)
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
	if err := server.Serve(s.listener); ctx.Err() == nil {
		return fmt.Errorf("control API: %w", err)
	}
	return nil
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s.clove.Status())
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var request ServeRequest
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&request); err != nil {
		fail(w, http.StatusBadRequest, "bad_request", err)
		return
	}
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

// apiError is the body of every answer that is not a success.
type apiError struct {
	Error string `json:"error"`
	Code  string `json:"code"`
}

func fail(w http.ResponseWriter, status int, code string, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(apiError{Error: err.Error(), Code: code})
}
