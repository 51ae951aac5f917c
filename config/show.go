package config

import (
	"maps"
	"slices"
)

// A Setting is one key as it is in effect.
type Setting struct {
	Key    string // with dots
	Value  string
	Origin Origin
}

// Origin tells where the setting with this key (with dots) comes from.
func (l *Loaded) Origin(key string) Origin { return l.origins[internal(key)] }

// Settings lists all settings in effect, sorted by key.
func (l *Loaded) Settings() []Setting {
	flat := l.Config.flat()
	out := make([]Setting, 0, len(flat))
	for _, key := range slices.Sorted(maps.Keys(flat)) {
		out = append(out, Setting{Key: shown(key), Value: text(flat[key]), Origin: l.origins[key]})
	}
	return out
}

// unused are settings that are taken and do nothing yet.
var unused = map[string]string{
	"router.ssu2.listen":    "SSU2 is not there yet",
	"router.ssu2.advertise": "SSU2 is not there yet",
	"router.reseed.urls":    "reseeding over HTTPS is not there yet; use router.reseed.files",
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
