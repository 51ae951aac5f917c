package demo

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/config"
	"clove.i2p/plugins/host"
	"clove.i2p/router"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// pluginPrefix begins the file names of plugins.
const pluginPrefix = "clove-plugin-"

// Names of the tunnels of the demo.
const (
	ircTunnel, ircServerTunnel = "irc", "irc-server"
	outproxyTunnel, exitTunnel = "outproxy", "exit"
)

// plugins are what the demo has beside the eepsite, as far as the programs for it are there.
type plugins struct {
	cfg     Config
	dir     string
	irc     *ircServer // nil without the IRC plugin
	outside *outside   // nil without the outproxy plugin
	missing []string
	tunnels []string // of which the demo is not ready before they are
}

// preparePlugins writes a configuration as a user would.
func preparePlugins(cfg Config, dir string, log *slog.Logger) (*plugins, error) {
	p := &plugins{cfg: cfg, dir: dir}
	text := fmt.Sprintf("data_dir = %q\n[router]\nnetwork_id = %d\nallow_private_peers = true\n[router.tunnels]\nlength = %d\nquantity = 2\n"+
		"[proxies]\nhttp.listen = %q\nsocks.listen = %q\n", dir, networkID, cfg.Length, cfg.HTTP, cfg.SOCKS)
	if p.found("irc", "IRC") {
		server, err := startIRC(dir, log)
		if err != nil {
			return nil, err
		}
		address, err := p.address(ircServerTunnel)
		if err != nil {
			return nil, err
		}
		p.irc, p.tunnels = server, append(p.tunnels, ircServerTunnel, ircTunnel)
		text += fmt.Sprintf("[tunnels.%s]\ntype = \"irc-server\"\ntarget = %q\n[tunnels.%s]\ntype = \"irc-client\"\nlisten = %q\ndestination = [%q]\n",
			ircServerTunnel, server.address, ircTunnel, cfg.IRC, address)
	}
	if p.found("outproxy", "the outproxy") {
		site, err := listenOutside()
		if err != nil {
			return nil, err
		}
		address, err := p.address(exitTunnel)
		if err != nil {
			return nil, err
		}
		p.outside, p.tunnels = site, append(p.tunnels, exitTunnel, outproxyTunnel)
		text += fmt.Sprintf("[plugins.outproxy]\npermissions = [\"dial-i2p\", \"listen-i2p\", \"dial-clearnet\"]\n"+
			"[tunnels.%s]\ntype = \"outproxy-server\"\n[tunnels.%s]\ntype = \"outproxy-client\"\noutproxies = [%q]\nhttps_outproxies = [%q]\n"+
			"[[proxies.rules]]\nname = \"demo\"\nmatch = %q\naction = \"outproxy\"\nvia = %q\n",
			exitTunnel, outproxyTunnel, address, address, outsideName, outproxyTunnel)
	}
	return p, os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o600)
}

// found looks for a plugin beside this program.
func (p *plugins) found(name, what string) bool {
	self, err := os.Executable()
	if err == nil {
		_, err = os.Stat(filepath.Join(filepath.Dir(self), pluginPrefix+name))
	}
	if err != nil {
		p.missing = append(p.missing, fmt.Sprintf("%s: there is no %s%s beside clove; make build makes it", what, pluginPrefix, name))
	}
	return err == nil
}

// address makes the keys of a tunnel, so that others can name it before it runs.
func (p *plugins) address(tunnel string) (string, error) {
	path := filepath.Join(p.dir, "tunnels", tunnel+".keys")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	k, err := i2p.LoadOrCreateDestinationKeys(path, keys.SigEd25519)
	if err != nil {
		return "", err
	}
	return k.Destination.Base32(), nil
}

// config is that of the appliance. Its router keeps nothing.
func (p *plugins) config() (appliance.Config, error) {
	l, err := config.Load(config.Sources{File: filepath.Join(p.dir, config.FileName)})
	if err != nil {
		return appliance.Config{}, err
	}
	cfg, err := appliance.FromConfig(l)
	if err != nil {
		return cfg, err
	}
	cfg.Router, cfg.Tunnels = routerConfig(false), router.Tunnels{Length: p.cfg.Length, Quantity: 2}
	cfg.Control, cfg.Load = filepath.Join(p.dir, socketName), p.config
	if p.outside != nil {
		cfg.Exit = p.outside.exit()
	}
	return cfg, nil
}

// run serves what the tunnels lead to until ctx ends.
func (p *plugins) run(ctx context.Context) {
	if p.outside != nil {
		defer p.outside.serve()()
	}
	if p.irc != nil {
		defer p.irc.stop()
	}
	<-ctx.Done()
}

// pluginWait is how long the demo waits for its tunnels before it says what is missing.
const pluginWait = 20 * time.Second

// await waits until the tunnels can be used, and tells where.
func (p *plugins) await(ctx context.Context, a *appliance.Appliance, r *appliance.Ready) {
	ctx, cancel := context.WithTimeout(ctx, pluginWait)
	defer cancel()
	r.Missing = p.missing
	for ctx.Err() == nil && !p.settled(a) {
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	r.Missing = append(r.Missing, p.waiting(a)...)
	for _, t := range a.Tunnels() {
		switch {
		case t.Name == ircTunnel && len(t.Local) > 0:
			r.IRC = t.Local[0]
		case t.Name == outproxyTunnel && t.State == host.TunnelRunning:
			r.Clearnet = "http://" + outsideName + "/"
		}
	}
}

// settled reports whether every tunnel can be used, or has failed.
func (p *plugins) settled(a *appliance.Appliance) bool {
	failed := 0
	for _, t := range a.Tunnels() {
		if t.State == host.TunnelFailed {
			failed++
		}
	}
	return len(p.waiting(a)) <= failed
}

// waiting lists the tunnels that cannot be used yet, and why.
func (p *plugins) waiting(a *appliance.Appliance) (out []string) {
	status := map[string]host.TunnelStatus{}
	for _, t := range a.Tunnels() {
		status[t.Name] = t
	}
	for _, name := range p.tunnels {
		t := status[name]
		server := name == ircServerTunnel || name == exitTunnel
		if t.State != host.TunnelRunning || !t.Ready || server && !t.Published {
			out = append(out, strings.TrimSpace(fmt.Sprintf("tunnel %s is %s %s", name, t.State, t.Error)))
		}
	}
	return out
}
