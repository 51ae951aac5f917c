package host

import (
	"fmt"
	"slices"
	"strings"

	"clove.i2p/plugins/api/pb"
)

// claim takes the types of a description for a plugin, and gives up those that it had.
func (h *Host) claim(p *plugin, d *description) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range d.types {
		if other := h.types[t.GetName()]; other != nil && other != p {
			return fmt.Errorf("plugins %s and %s both serve tunnel type %s: detach one of them (clove plugin detach), or set enabled = false in its section",
				other.name, p.name, t.GetName())
		}
	}
	h.disclaim(p)
	for _, t := range d.types {
		h.types[t.GetName()] = p
	}
	return nil
}

// disclaim gives up all types. The caller holds h.mu.
func (h *Host) disclaim(p *plugin) {
	for name, owner := range h.types {
		if owner == p {
			delete(h.types, name)
		}
	}
}

// serving is who serves a type, also if detached, and the type.
func (h *Host) serving(typ string) (*plugin, *pb.TunnelType, error) {
	h.mu.Lock()
	p := h.types[typ]
	names := make([]string, 0, len(h.types))
	for name := range h.types {
		names = append(names, name)
	}
	all := make([]*plugin, 0, len(h.plugins))
	for _, q := range h.plugins {
		all = append(all, q)
	}
	h.mu.Unlock()
	if p == nil {
		for _, q := range all {
			if d := q.description(); d != nil && d.typ(typ) != nil {
				p = q
			}
		}
	}
	if p != nil {
		if t := p.description().typ(typ); t != nil {
			return p, t, nil
		}
	}
	slices.Sort(names)
	hint := "; there is none: are the plugins beside clove?"
	if near := nearest(typ, names); near != "" {
		hint = "; did you mean " + near + "?"
	} else if len(names) > 0 {
		hint = "; there are " + strings.Join(names, ", ")
	}
	var failed []string
	for _, q := range all {
		if state, err := q.current(); state == PluginFailed {
			failed = append(failed, err)
		}
	}
	slices.Sort(failed)
	if len(failed) > 0 {
		hint += ". Not started: " + strings.Join(failed, "; ")
	}
	return nil, nil, fmt.Errorf("%w: type: no plugin serves %q%s", ErrSettings, printable(typ, maxName), hint)
}
