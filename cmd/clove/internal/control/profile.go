package control

import (
	"net/http"
	"net/http/pprof"
)

// debug adds the profiles of net/http/pprof. They tell about tunnels and streams what logs do not; only the owner of the
// socket can ask.
func debug(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
}
