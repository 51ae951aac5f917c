package host

import (
	"context"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

// Plugins lists registered and bundled plugins by name. It asks nobody.
func (h *Host) Plugins() []PluginStatus {
	h.mu.Lock()
	plugins := maps.Clone(h.plugins)
	h.mu.Unlock()
	all := make([]PluginStatus, 0, len(plugins))
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		all = append(all, plugins[name].status())
	}
	return all
}

func (p *plugin) status() PluginStatus {
	tunnels := []string{}
	for _, t := range p.host.tunnelsOf(p) {
		tunnels = append(tunnels, t.name)
	}
	lines, cut := p.book.counts()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := PluginStatus{
		Name: p.name, Path: p.path, SHA256: p.sha256, Bundled: p.bundled, State: p.state, Error: p.err, Restarts: p.restarts,
		Tunnels: tunnels, Sandbox: p.host.box, Denials: p.host.cfg.Gate.Denials(p.name), LogLines: lines, LogDropped: cut,
	}
	if s.Path == "" {
		s.Path, s.SHA256 = p.cfg.Path, p.cfg.SHA256
	}
	s.describe(p.desc)
	var granted []pb.Permission
	if p.desc != nil {
		granted, _ = grant(p.name, p.cfg, p.bundled, p.desc.asked)
	}
	if proc := p.proc; proc != nil {
		s.PID, s.Since, s.Uptime = proc.box.PID(), proc.started, time.Since(proc.started).Seconds()
		s.Memory, s.Sandbox, granted = proc.box.Memory(), proc.box.Capability(), proc.granted
	}
	s.Granted = permissionNames(granted)
	return s
}

func (s *PluginStatus) describe(d *description) {
	s.Types, s.Asked = []TypeStatus{}, []string{}
	if d == nil {
		return
	}
	s.Version, s.Summary, s.Asked = d.version, d.summary, permissionNames(d.asked)
	for _, t := range d.types {
		ts := TypeStatus{Name: t.GetName(), Summary: t.GetSummary(), Destination: lower(t.GetDestination().String()), Protocol: t.GetProtocol(), Settings: []SettingStatus{}}
		for _, x := range t.GetSettings() {
			ts.Settings = append(ts.Settings, SettingStatus{
				Key: x.GetKey(), Type: lower(x.GetType().String()), Kind: lower(x.GetKind().String()), Required: x.GetRequired(), Default: x.GetDefaultJson(),
				Choices: x.GetChoices(), Help: x.GetHelp(),
			})
		}
		s.Types = append(s.Types, ts)
	}
}

// lower makes LISTEN_ADDRESS into listen-address.
func lower(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

// Tunnels lists tunnels by name. It asks nobody.
func (h *Host) Tunnels() []TunnelStatus {
	h.mu.Lock()
	tunnels := maps.Clone(h.tunnels)
	h.mu.Unlock()
	all := make([]TunnelStatus, 0, len(tunnels))
	for _, name := range slices.Sorted(maps.Keys(tunnels)) {
		all = append(all, h.tunnelStatus(tunnels[name]))
	}
	return all
}

func (h *Host) tunnelStatus(t *tunnel) TunnelStatus {
	t.mu.Lock()
	s := TunnelStatus{
		Name: t.name, Type: t.cfg.Type, Enabled: t.cfg.Enabled, State: t.state, Error: t.err, Since: t.since, Health: t.health, HealthText: t.healthText,
		Local: []string{}, Settings: shown(t.typ, t.settings),
	}
	p := t.plugin
	t.mu.Unlock()
	if p != nil {
		s.Plugin = p.name
	}
	g, ok := h.cfg.Gate.Tunnel(t.name)
	if !ok {
		return s
	}
	s.Address, s.Ready, s.Published = g.Address, g.Ready, g.Published
	s.Open, s.Total, s.Waiting, s.Sent, s.Received = g.Open, g.Total, g.Waiting, g.Sent, g.Received
	s.Refused, s.Expired, s.PacketsDropped = g.Refused, g.Expired, g.PacketsLost
	for _, l := range g.Listeners {
		s.addListener(l)
	}
	return s
}

func (s *TunnelStatus) addListener(l gate.ListenerStatus) {
	switch l.Kind {
	case "service":
		s.Services = append(s.Services, l.Address)
	case "i2p":
	default:
		if !strings.Contains(l.Address, ".b32.i2p") {
			s.Local = append(s.Local, l.Address)
		}
	}
}

// Tunnel is the status of one, with its metrics fetched now.
func (h *Host) Tunnel(ctx context.Context, name string) (TunnelStatus, error) {
	t, err := h.tunnel(name)
	if err != nil {
		return TunnelStatus{}, err
	}
	s := h.tunnelStatus(t)
	p := t.owner()
	if p == nil || s.State != TunnelRunning {
		return s, nil
	}
	if proc := p.process(); proc != nil {
		if m, err := proc.metrics(ctx, name); err == nil {
			s.Metrics, s.MetricsHelp = readMetrics(m.GetMetrics())
		}
	}
	return s, nil
}

var metricName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// readMetrics leaves out what has no proper name or value, and what is too many.
func readMetrics(all []*pb.Metric) (values map[string]float64, help map[string]string) {
	values, help = map[string]float64{}, map[string]string{}
	for _, m := range all {
		v := m.GetValue()
		if len(values) == maxMetrics || !metricName.MatchString(m.GetName()) || math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		values[m.GetName()] = v
		if m.GetHelp() != "" {
			help[m.GetName()] = printable(m.GetHelp(), maxText)
		}
	}
	return values, help
}
