package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/config"
	"clove.i2p/plugins/host"
	"clove.i2p/plugins/host/sandbox"
	"clove.i2p/router"
)

// A finding is what doctor says of one thing.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"` // ok, note, wrong
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// States of a finding.
const (
	fine  = "ok"
	note  = "note"
	wrong = "wrong"
)

func newDoctor() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what keeps clove from working, or from being safe",
		Long:  "doctor looks at the configuration, the files, the ports, the plugins and a clove that is running. It changes nothing. It fails if something is wrong.",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := examine(cmd)
			err := show(cmd, asJSON, found, func(w io.Writer) {
				for _, f := range found {
					fmt.Fprintf(w, "%-5s  %s: %s\n", f.State, f.Check, f.Text)
					if f.Remedy != "" {
						fmt.Fprintf(w, "       -> %s\n", f.Remedy)
					}
				}
			})
			if err != nil {
				return err
			}
			for _, f := range found {
				if f.State == wrong {
					return errors.New("something is wrong: see above")
				}
			}
			return nil
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}

func examine(cmd *cobra.Command) (found []finding) {
	own, l, err := loadAppliance(cmd)
	if err != nil {
		return []finding{{"configuration", wrong, err.Error(), "clove config check tells more; clove config init makes a new file"}}
	}
	file := l.File
	if file == "" {
		file = "no file, all defaults"
	}
	found = append(found, finding{Check: "configuration", State: fine, Text: file})
	for _, n := range l.Notes() {
		found = append(found, finding{Check: "configuration", State: note, Text: n})
	}
	found = append(found, examineFiles(l.DataDir)...)
	found = append(found, examineSandbox(sandbox.Probe()))
	found = append(found, examineUpstream(cmd.Context(), own.Router)...)
	c, err := remote(cmd)
	if err != nil {
		return append(found, finding{Check: "control API", State: wrong, Text: err.Error()})
	}
	status, err := c.Status(cmd.Context())
	switch {
	case errors.Is(err, control.ErrNotRunning):
		found = append(found, finding{Check: "clove", State: note, Text: "is not running with this data directory", Remedy: "clove run"})
		return append(found, examinePorts(own)...)
	case err != nil:
		return append(found, finding{Check: "clove", State: wrong, Text: err.Error()})
	}
	return append(found, examineRunning(cmd.Context(), c, status)...)
}

// examineFiles looks at who can read the keys.
func examineFiles(dir string) []finding {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return []finding{{Check: "data directory", State: note, Text: dir + " is not there yet; clove run makes it"}}
	}
	if err != nil {
		return []finding{{Check: "data directory", State: wrong, Text: err.Error(), Remedy: "choose another with --data-dir"}}
	}
	var out []finding
	if info.Mode().Perm()&0o077 != 0 {
		out = append(out, finding{"data directory", wrong, fmt.Sprintf("%s can be read by others (%v)", dir, info.Mode().Perm()), "chmod 700 " + dir})
	} else {
		out = append(out, finding{Check: "data directory", State: fine, Text: dir})
	}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		secret := strings.HasSuffix(path, ".keys") || strings.HasSuffix(path, ".dat") || d.Name() == config.ManagedName
		if info, err := d.Info(); err == nil && secret && info.Mode().Perm()&0o077 != 0 {
			out = append(out, finding{"keys", wrong, path + " can be read by others", "chmod 600 " + path})
		}
		return nil
	})
	return out
}

func examineSandbox(c sandbox.Capability) finding {
	if c.Full() {
		return finding{Check: "plugins", State: fine, Text: "are confined: no network, no files, no processes but their own"}
	}
	return finding{"plugins", note, "are not fully confined on this machine: " + strings.Join(c.Missing, "; "), "use plugins that you trust only"}
}

// examinePorts looks whether clove could start.
func examinePorts(own appliance.Config) (out []finding) {
	ports, err := router.TryPorts(own.Router)
	if err != nil {
		out = append(out, finding{Check: "ports", State: wrong, Text: err.Error()})
	}
	for _, p := range ports {
		if p.Err != nil {
			out = append(out, finding{Check: p.Style, State: wrong, Text: p.Err.Error()})
			continue
		}
		out = append(out, finding{Check: p.Style, State: fine, Text: fmt.Sprintf("%s %v is free", p.Network(), p.At)})
	}
	for _, p := range []struct{ name, address, key string }{
		{"HTTP proxy", own.Proxies.HTTP, "proxies.http.listen"}, {"SOCKS proxy", own.Proxies.SOCKS, "proxies.socks.listen"},
	} {
		if p.address == "" {
			continue
		}
		l, err := net.Listen("tcp", p.address)
		if err != nil {
			out = append(out, finding{p.name, wrong, err.Error(), "end the program that has the port, or change " + p.key})
			continue
		}
		l.Close()
		out = append(out, finding{Check: p.name, State: fine, Text: p.address + " is free"})
	}
	return out
}

// maxSkew is how wrong a clock may be: routers refuse sessions from a minute on.
const maxSkew = 30

func examineRunning(ctx context.Context, c *control.Client, s control.Status) (out []finding) {
	if s.Ready {
		out = append(out, finding{Check: "clove", State: fine, Text: fmt.Sprintf("is ready; %d sessions with routers", len(s.Sessions))})
	} else {
		out = append(out, finding{"clove", note, fmt.Sprintf("is building tunnels; %d sessions with routers, %d routers known", len(s.Sessions), s.Stats.NetDB.Routers),
			"wait a minute; without any routers it needs router.reseed.files"})
	}
	if s.SkewSeconds > maxSkew || s.SkewSeconds < -maxSkew {
		out = append(out, finding{"clock", wrong, fmt.Sprintf("is wrong by %.0f s", s.SkewSeconds), "set the clock of this machine"})
	}
	out = append(out, examineReachability(s)...)
	out = append(out, examineSockets(s.Sockets)...)
	plugins, err := c.Plugins(ctx)
	if err != nil {
		return append(out, finding{Check: "plugins", State: wrong, Text: err.Error()})
	}
	for _, p := range plugins {
		switch {
		case p.State == host.PluginFailed:
			out = append(out, finding{"plugin " + p.Name, wrong, p.Error, "clove plugin logs " + p.Name})
		case len(p.Denials) > 0:
			out = append(out, finding{"plugin " + p.Name, note, "was denied what it tried: " + denials(p.Denials), "if you trust it: clove plugin upgrade " + p.Name + " --grant ..."})
		}
	}
	for _, t := range s.Tunnels {
		switch {
		case t.State == host.TunnelFailed:
			out = append(out, finding{"tunnel " + t.Name, wrong, t.Error, "clove tunnel show " + t.Name})
		case t.Health != "" && t.Health != "healthy":
			out = append(out, finding{"tunnel " + t.Name, note, t.Health + ": " + t.HealthText, "clove tunnel show " + t.Name})
		}
	}
	return out
}
