package control

import (
	"context"
	"net/http"
	"net/url"

	"clove.i2p/plugins/host"
	"clove.i2p/proxies"
)

// Reload has clove read its configuration again.
func (c *Client) Reload(ctx context.Context, r ReloadRequest) (Plan, error) {
	return call[Plan](ctx, c, http.MethodPost, "/v1/reload", r)
}

// Plugins lists the plugins.
func (c *Client) Plugins(ctx context.Context) ([]host.PluginStatus, error) {
	return call[[]host.PluginStatus](ctx, c, http.MethodGet, "/v1/plugins", nil)
}

// InspectPlugin asks a program what it is.
func (c *Client) InspectPlugin(ctx context.Context, r PluginRequest) (host.PluginStatus, error) {
	return call[host.PluginStatus](ctx, c, http.MethodPost, "/v1/plugins/inspect", r)
}

// AddPlugin registers a plugin.
func (c *Client) AddPlugin(ctx context.Context, r PluginRequest) (host.PluginStatus, error) {
	return call[host.PluginStatus](ctx, c, http.MethodPost, "/v1/plugins", r)
}

// UpgradePlugin replaces a plugin's program.
func (c *Client) UpgradePlugin(ctx context.Context, r PluginRequest) (host.PluginStatus, error) {
	return call[host.PluginStatus](ctx, c, http.MethodPost, "/v1/plugins/"+url.PathEscape(r.Name)+"/upgrade", r)
}

// RemovePlugin forgets a plugin.
func (c *Client) RemovePlugin(ctx context.Context, name string) error {
	return c.command(ctx, http.MethodDelete, "/v1/plugins/"+url.PathEscape(name))
}

// Plugin does one of attach, detach, restart.
func (c *Client) Plugin(ctx context.Context, name, action string) error {
	return c.command(ctx, http.MethodPost, "/v1/plugins/"+url.PathEscape(name)+"/"+action)
}

// PluginLogs are the last lines of a plugin.
func (c *Client) PluginLogs(ctx context.Context, name string) ([]host.LogLine, error) {
	return call[[]host.LogLine](ctx, c, http.MethodGet, "/v1/plugins/"+url.PathEscape(name)+"/logs", nil)
}

// Tunnels lists the tunnels.
func (c *Client) Tunnels(ctx context.Context) ([]host.TunnelStatus, error) {
	return call[[]host.TunnelStatus](ctx, c, http.MethodGet, "/v1/tunnels", nil)
}

// Tunnel is one tunnel with its metrics.
func (c *Client) Tunnel(ctx context.Context, name string) (host.TunnelStatus, error) {
	return call[host.TunnelStatus](ctx, c, http.MethodGet, "/v1/tunnels/"+url.PathEscape(name), nil)
}

// TunnelStore is what a tunnel keeps.
func (c *Client) TunnelStore(ctx context.Context, name, prefix string) (map[string]string, error) {
	return call[map[string]string](ctx, c, http.MethodGet, "/v1/tunnels/"+url.PathEscape(name)+"/store?prefix="+url.QueryEscape(prefix), nil)
}

// AddTunnel adds a tunnel.
func (c *Client) AddTunnel(ctx context.Context, r TunnelRequest) (host.TunnelStatus, error) {
	return call[host.TunnelStatus](ctx, c, http.MethodPost, "/v1/tunnels", r)
}

// EditTunnel changes settings of a tunnel.
func (c *Client) EditTunnel(ctx context.Context, r TunnelRequest) (TunnelEdited, error) {
	return call[TunnelEdited](ctx, c, http.MethodPatch, "/v1/tunnels/"+url.PathEscape(r.Name), r)
}

// RemoveTunnel forgets a tunnel.
func (c *Client) RemoveTunnel(ctx context.Context, name string) error {
	return c.command(ctx, http.MethodDelete, "/v1/tunnels/"+url.PathEscape(name))
}

// SwitchTunnel does one of start, stop.
func (c *Client) SwitchTunnel(ctx context.Context, name, action string) error {
	return c.command(ctx, http.MethodPost, "/v1/tunnels/"+url.PathEscape(name)+"/"+action)
}

// Connections lists the open connections.
func (c *Client) Connections(ctx context.Context) ([]Connection, error) {
	return call[[]Connection](ctx, c, http.MethodGet, "/v1/connections", nil)
}

// KillConnection ends one.
func (c *Client) KillConnection(ctx context.Context, id string) error {
	return c.command(ctx, http.MethodDelete, "/v1/connections/"+url.PathEscape(id))
}

// Explain asks what the rules do with a URL.
func (c *Client) Explain(ctx context.Context, rawURL, listener, user, method string) (proxies.Explanation, error) {
	q := url.Values{"url": {rawURL}, "listener": {listener}, "user": {user}, "method": {method}}
	return call[proxies.Explanation](ctx, c, http.MethodGet, "/v1/rules/explain?"+q.Encode(), nil)
}

// Audit asks for the counts of what was decided about clearnet traffic.
func (c *Client) Audit(ctx context.Context) (proxies.Audit, error) {
	return call[proxies.Audit](ctx, c, http.MethodGet, "/v1/audit", nil)
}
