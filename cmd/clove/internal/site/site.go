// Package site is the web site behind an eepsite: a folder or a local web server, as an http.Handler.
package site

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Limits of the server. A visitor is as slow as twelve routers can be.
const (
	headerTimeout = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	answerTimeout = 5 * time.Minute // of the local web server, to its header
)

// New returns the handler for a folder, or for the http:// address of a web server on this machine.
func New(what string) (http.Handler, error) {
	if strings.HasPrefix(what, "http://") || strings.HasPrefix(what, "https://") {
		u, err := url.Parse(what)
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("serve %q: not an address like http://127.0.0.1:8080", what)
		}
		return proxy(u), nil
	}
	info, err := os.Stat(what)
	if err != nil {
		return nil, fmt.Errorf("serve: %w; name a folder, or a web server like http://127.0.0.1:8080", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("serve %s: not a folder; put the file into one", what)
	}
	return folder(what)
}

// folder serves files, but no listing, nothing outside of the folder (os.Root) and nothing hidden.
func folder(dir string) (http.Handler, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	files := http.FileServerFS(root.FS())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		for part := range strings.SplitSeq(name, "/") {
			if strings.HasPrefix(part, ".") {
				http.NotFound(w, r)
				return
			}
		}
		if info, err := root.Stat(filepath.FromSlash(name + "/.")); err == nil && info.IsDir() {
			if _, err := root.Stat(filepath.Join(filepath.FromSlash(name), "index.html")); err != nil {
				http.NotFound(w, r)
				return
			}
		}
		files.ServeHTTP(w, r)
	}), nil
}

// Serve answers visitors until the listener is closed.
func Serve(l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler: withoutDate(h), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ConnContext: withVisitor,
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // its lines name visitors
	}
	err := s.Serve(l)
	s.Close()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// withoutDate leaves out the header that tells how far the clock of this machine is off, by which it could be known
// again elsewhere.
func withoutDate(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		h.ServeHTTP(w, r)
	})
}
