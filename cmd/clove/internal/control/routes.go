package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"clove.i2p/config"
)

// maxRequest bounds the body of a request. The settings of a tunnel are a few lines.
const maxRequest = 256 << 10

// routes are all of the API but status, serve and the profiles.
func (s *Server) routes(mux *http.ServeMux) {
	c := s.clove
	reply(mux, "POST /v1/reload", c.Reload)

	list(mux, "GET /v1/plugins", c.Plugins)
	reply(mux, "POST /v1/plugins", c.AddPlugin)
	reply(mux, "POST /v1/plugins/inspect", c.InspectPlugin)
	mux.HandleFunc("POST /v1/plugins/{name}/upgrade", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, func(ctx context.Context, p PluginRequest) (any, error) {
			p.Name = r.PathValue("name")
			return c.UpgradePlugin(ctx, p)
		})
	})
	named(mux, "DELETE /v1/plugins/{name}", c.RemovePlugin)
	named(mux, "POST /v1/plugins/{name}/attach", c.AttachPlugin)
	named(mux, "POST /v1/plugins/{name}/detach", c.DetachPlugin)
	named(mux, "POST /v1/plugins/{name}/restart", c.RestartPlugin)
	mux.HandleFunc("GET /v1/plugins/{name}/logs", func(w http.ResponseWriter, r *http.Request) {
		lines, err := c.PluginLogs(r.PathValue("name"))
		write(w, lines, err)
	})

	list(mux, "GET /v1/tunnels", c.Tunnels)
	reply(mux, "POST /v1/tunnels", c.AddTunnel)
	mux.HandleFunc("GET /v1/tunnels/{name}", func(w http.ResponseWriter, r *http.Request) {
		status, err := c.Tunnel(r.Context(), r.PathValue("name"))
		write(w, status, err)
	})
	mux.HandleFunc("GET /v1/tunnels/{name}/store", func(w http.ResponseWriter, r *http.Request) {
		values, err := c.TunnelStore(r.PathValue("name"), r.URL.Query().Get("prefix"))
		write(w, values, err)
	})
	mux.HandleFunc("PATCH /v1/tunnels/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, func(ctx context.Context, t TunnelRequest) (any, error) {
			t.Name = r.PathValue("name")
			return c.EditTunnel(ctx, t)
		})
	})
	named(mux, "DELETE /v1/tunnels/{name}", c.RemoveTunnel)
	named(mux, "POST /v1/tunnels/{name}/start", c.StartTunnel)
	named(mux, "POST /v1/tunnels/{name}/stop", c.StopTunnel)

	list(mux, "GET /v1/connections", c.Connections)
	mux.HandleFunc("DELETE /v1/connections/{id}", func(w http.ResponseWriter, r *http.Request) {
		write(w, struct{}{}, c.KillConnection(r.PathValue("id")))
	})
	mux.HandleFunc("GET /v1/rules/explain", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		e, err := c.Explain(q.Get("url"), q.Get("listener"), q.Get("user"), q.Get("method"))
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		write(w, e, err)
	})
	mux.HandleFunc("GET /v1/audit", func(w http.ResponseWriter, _ *http.Request) { write(w, c.Audit(), nil) })
}

// list answers with what f returns.
func list[T any](mux *http.ServeMux, pattern string, f func() []T) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		all := f()
		if all == nil {
			all = []T{}
		}
		write(w, all, nil)
	})
}

// named calls f with the name in the path.
func named(mux *http.ServeMux, pattern string, f func(ctx context.Context, name string) error) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		err := config.CheckName(name)
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrInvalid, err)
		} else {
			err = f(r.Context(), name)
		}
		write(w, struct{}{}, err)
	})
}

// reply decodes a request, calls f and answers with its result.
func reply[Request, Answer any](mux *http.ServeMux, pattern string, f func(context.Context, Request) (Answer, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { answer(w, r, f) })
}

func answer[Request, Answer any](w http.ResponseWriter, r *http.Request, f func(context.Context, Request) (Answer, error)) {
	var request Request
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	d.DisallowUnknownFields()
	d.UseNumber() // a setting of 1 is no 1.0
	if err := d.Decode(&request); err != nil {
		write(w, nil, fmt.Errorf("%w: %w", ErrInvalid, err))
		return
	}
	io.Copy(io.Discard, r.Body) // net/http tells that the client is gone only once it has read the body
	result, err := f(r.Context(), request)
	write(w, result, err)
}

func write(w http.ResponseWriter, result any, err error) {
	if err != nil {
		fail(w, http.StatusUnprocessableEntity, "failed", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(result)
}
