package config

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// A Setting is one key as it is in effect.
type Setting struct {
	Key    string // with dots
	Value  string
	Origin Origin
}

// Origin tells where the setting with this key (with dots) comes from; one that a tunnel or plugin lacks, where their section
// stands.
func (l *Loaded) Origin(key string) Origin {
	key = internal(key)
	o, ok := l.origins[key]
	if parts := strings.Split(key, delim); !ok && len(parts) == 3 && (parts[0] == "tunnels" || parts[0] == "plugins") {
		return l.origins[parts[0]+delim+parts[1]]
	}
	return o
}

// Settings lists all settings in effect, sorted by key.
func (l *Loaded) Settings() []Setting {
	flat := l.Config.flat()
	out := make([]Setting, 0, len(flat))
	for _, key := range slices.Sorted(maps.Keys(flat)) {
		value := text(flat[key])
		switch {
		case value == "":
		case secret(key):
			value = "(not shown)"
		case shown(key) == "router.upstream":
			value = redacted(value)
		}
		out = append(out, Setting{Key: shown(key), Value: value, Origin: l.origins[key]})
	}
	return out
}

// redacted is a URL without its password.
func redacted(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "(not shown)"
	}
	return u.Redacted()
}

// secretNames are parts of the names of settings that hold passwords. Which do, is known for certain only to their plugins, which
// need not run here.
var secretNames = []string{"password", "passphrase", "secret", "cloak_key", "users", "credentials", "token", "private_key", "api_key"}

// secret reports whether a setting of a tunnel looks like a password.
func secret(key string) bool {
	name, ok := strings.CutPrefix(key, "tunnels"+delim)
	_, name, _ = strings.Cut(name, delim) // behind the tunnel's name
	return ok && slices.ContainsFunc(secretNames, func(part string) bool { return strings.Contains(name, part) })
}

// unused are settings that are taken and do nothing yet.
var unused = map[string]string{
	"router.reseed.urls": "reseeding over HTTPS is not there yet; use router.reseed.files",
}

// Notes are what a user should know of a configuration that is valid: settings that do nothing yet, and proxies that
// other machines can reach.
func (l *Loaded) Notes() []string {
	var notes []string
	for _, key := range slices.Sorted(maps.Keys(unused)) {
		if o := l.Origin(key); o.Layer != LayerDefault {
			notes = append(notes, o.String()+": "+key+" has no effect: "+unused[key])
		}
	}
	if l.Router.Upstream != "" {
		notes = append(notes, l.Origin("router.upstream").String()+": router.upstream is set: all to other routers goes through that proxy, "+
			"over NTCP2 alone; nobody can connect to this router")
		for _, name := range slices.Sorted(maps.Keys(l.Plugins)) {
			if p := l.Plugins[name]; slices.Contains(p.Permissions, "dial-clearnet") && (p.Enabled == nil || *p.Enabled) {
				notes = append(notes, l.Origin("plugins."+name).String()+": plugins."+name+" may dial the internet itself, as an exit does: "+
					"that does not go through router.upstream")
			}
		}
	}
	if l.Router.Floodfill == FloodfillOn && (l.Router.Hidden || l.Router.Upstream != "") {
		notes = append(notes, l.Origin("router.floodfill").String()+": router.floodfill has no effect: nobody can ask a router that cannot be reached")
	}
	for key, of := range map[string]bool{
		"router.ntcp2.advertise": l.Router.NTCP2.Advertise != "", "router.ssu2.advertise": l.Router.SSU2.Advertise != "",
	} {
		if of && (l.Router.Hidden || l.Router.Upstream != "") {
			notes = append(notes, l.Origin(key).String()+": "+key+" has no effect: router.hidden and router.upstream publish no address")
		}
	}
	slices.Sort(notes)
	for _, p := range []struct{ key, address string }{
		{"proxies.http.listen", l.Proxies.HTTP.Listen}, {"proxies.socks.listen", l.Proxies.SOCKS.Listen},
	} {
		if p.address != "" && !loopback(p.address) {
			notes = append(notes, l.Origin(p.key).String()+": "+p.key+" = "+p.address+
				": everybody who reaches this address can use the proxy")
		}
	}
	return notes
}
