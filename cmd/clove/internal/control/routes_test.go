package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/plugins/api"
	"clove.i2p/plugins/host"
	"clove.i2p/proxies"
)

// managed is a Clove that remembers what it was asked.
type managed struct {
	fake
	asked []string
	err   error
	got   any
}

func (m *managed) ask(what string, args ...any) error {
	m.asked = append(m.asked, fmt.Sprintf(what, args...))
	return m.err
}

func (m *managed) Plugins() []host.PluginStatus { return nil }
func (m *managed) AddPlugin(_ context.Context, r control.PluginRequest) (host.PluginStatus, error) {
	m.got = r
	return host.PluginStatus{Name: r.Name}, m.ask("add plugin")
}
func (m *managed) InspectPlugin(_ context.Context, r control.PluginRequest) (host.PluginStatus, error) {
	return host.PluginStatus{Name: r.Name}, m.ask("inspect %s", r.Path)
}
func (m *managed) UpgradePlugin(_ context.Context, r control.PluginRequest) (host.PluginStatus, error) {
	return host.PluginStatus{Name: r.Name}, m.ask("upgrade %s", r.Name)
}
func (m *managed) RemovePlugin(_ context.Context, name string) error { return m.ask("remove %s", name) }
func (m *managed) AttachPlugin(_ context.Context, name string) error { return m.ask("attach %s", name) }
func (m *managed) DetachPlugin(_ context.Context, name string) error { return m.ask("detach %s", name) }
func (m *managed) RestartPlugin(_ context.Context, name string) error {
	return m.ask("restart %s", name)
}
func (m *managed) PluginLogs(name string) ([]host.LogLine, error) {
	return []host.LogLine{{Text: "line"}}, m.ask("logs %s", name)
}
func (m *managed) Tunnels() []host.TunnelStatus { return []host.TunnelStatus{{Name: "web"}} }
func (m *managed) Tunnel(_ context.Context, name string) (host.TunnelStatus, error) {
	return host.TunnelStatus{Name: name}, m.ask("tunnel %s", name)
}
func (m *managed) TunnelStore(name, prefix string) (map[string]string, error) {
	return map[string]string{"k": "v"}, m.ask("store %s %s", name, prefix)
}
func (m *managed) AddTunnel(_ context.Context, r control.TunnelRequest) (host.TunnelStatus, error) {
	m.got = r
	return host.TunnelStatus{Name: r.Name, Address: "x.b32.i2p"}, m.ask("add tunnel")
}
func (m *managed) EditTunnel(_ context.Context, r control.TunnelRequest) (control.TunnelEdited, error) {
	return control.TunnelEdited{Plan: host.Plan{Reloaded: []string{r.Name}}}, m.ask("edit %s %v", r.Name, r.Unset)
}
func (m *managed) RemoveTunnel(_ context.Context, name string) error { return m.ask("forget %s", name) }
func (m *managed) StartTunnel(_ context.Context, name string) error  { return m.ask("start %s", name) }
func (m *managed) StopTunnel(_ context.Context, name string) error   { return m.ask("stop %s", name) }
func (m *managed) Connections() []control.Connection                 { return []control.Connection{{ID: "p1"}} }
func (m *managed) KillConnection(id string) error                    { return m.ask("kill %s", id) }
func (m *managed) Explain(url, listener, user, method string) (proxies.Explanation, error) {
	return proxies.Explanation{URL: url}, m.ask("explain %s %s %s %s", url, listener, user, method)
}
func (m *managed) Audit() proxies.Audit { return proxies.Audit{Blocked: 3} }
func (m *managed) Reload(_ context.Context, r control.ReloadRequest) (control.Plan, error) {
	return control.Plan{Applied: !r.DryRun}, m.ask("reload")
}

// Every call of the client arrives as what it was, and its answer comes back.
func TestCalls(t *testing.T) {
	path := socket(t)
	m := &managed{}
	stop := startClove(t, path, m)
	defer stop()
	c, ctx := control.NewClient(path), t.Context()
	var errs []error
	check := func(err error) { errs = append(errs, err) }

	p, err := c.AddPlugin(ctx, control.PluginRequest{Name: "mine", Path: "/x", SHA256: "ab", Grant: []string{}})
	check(err)
	if d := cmp.Diff(control.PluginRequest{Name: "mine", Path: "/x", SHA256: "ab", Grant: []string{}}, m.got); p.Name != "mine" || d != "" {
		t.Errorf("plugin %q, request %s", p.Name, d)
	}
	_, err = c.InspectPlugin(ctx, control.PluginRequest{Path: "/y"})
	check(err)
	p, err = c.UpgradePlugin(ctx, control.PluginRequest{Name: "mine"})
	check(err)
	for _, action := range []string{"attach", "detach", "restart"} {
		check(c.Plugin(ctx, "mine", action))
	}
	lines, err := c.PluginLogs(ctx, "mine")
	check(err)
	check(c.RemovePlugin(ctx, "mine"))
	all, err := c.Plugins(ctx)
	check(err)
	tunnel, err := c.AddTunnel(ctx, control.TunnelRequest{Name: "web", Type: "http", Settings: map[string]any{"n": 1, "list": []string{"a"}}})
	check(err)
	want := control.TunnelRequest{Name: "web", Type: "http", Settings: map[string]any{"n": json.Number("1"), "list": []any{"a"}}}
	if d := cmp.Diff(want, m.got); d != "" {
		t.Error(d)
	}
	_, err = c.Tunnel(ctx, "web")
	check(err)
	stored, err := c.TunnelStore(ctx, "web", "a/&")
	check(err)
	edited, err := c.EditTunnel(ctx, control.TunnelRequest{Name: "web", Unset: []string{"n"}})
	check(err)
	check(c.SwitchTunnel(ctx, "web", "start"))
	check(c.SwitchTunnel(ctx, "web", "stop"))
	check(c.RemoveTunnel(ctx, "web"))
	connections, err := c.Connections(ctx)
	check(err)
	check(c.KillConnection(ctx, "t7"))
	e, err := c.Explain(ctx, "http://a/?b=c&d", "http", "u", "GET")
	check(err)
	audit, err := c.Audit(ctx)
	check(err)
	plan, err := c.Reload(ctx, control.ReloadRequest{DryRun: true})
	check(err)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if p.Name != "mine" || len(lines) != 1 || all == nil || tunnel.Address != "x.b32.i2p" || len(edited.Plan.Reloaded) != 1 || len(connections) != 1 ||
		e.URL != "http://a/?b=c&d" || audit.Blocked != 3 || stored["k"] != "v" || plan.Applied {
		t.Error("an answer did not come back as it was")
	}
	if d := cmp.Diff([]string{
		"add plugin", "inspect /y", "upgrade mine", "attach mine", "detach mine", "restart mine", "logs mine", "remove mine",
		"add tunnel", "tunnel web", "store web a/&", "edit web [n]", "start web", "stop web", "forget web", "kill t7", "explain http://a/?b=c&d http u GET", "reload",
	}, m.asked); d != "" {
		t.Error(d)
	}
}

// A program can tell errors apart.
func TestErrorsHaveCodes(t *testing.T) {
	path := socket(t)
	m := &managed{}
	stop := startClove(t, path, m)
	defer stop()
	c := control.NewClient(path)
	for _, want := range []struct {
		err  error
		code string
	}{
		{host.ErrUnknownPlugin, "unknown_plugin"}, {host.ErrChecksum, "checksum"}, {host.ErrUnregistered, "unregistered"},
		{host.ErrProtocol, "protocol_version"}, {host.ErrSettings, "settings"}, {api.ErrInUse, "in_use"}, {api.ErrPermission, "permission"},
		{control.ErrConflict, "conflict"}, {errors.New("else"), "failed"},
	} {
		m.err = fmt.Errorf("it went wrong: %w", want.err)
		var got *control.Error
		if err := c.Plugin(t.Context(), "mine", "attach"); !errors.As(err, &got) || got.Code != want.code || got.Text != m.err.Error() {
			t.Errorf("%v: %#v, want code %s", want.err, err, want.code)
		}
	}
	var got *control.Error
	if err := c.Plugin(t.Context(), "Not A Name", "attach"); !errors.As(err, &got) || got.Code != "bad_request" {
		t.Errorf("a name that cannot be: %v", err)
	}
}
