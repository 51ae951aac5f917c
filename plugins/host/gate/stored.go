package gate

// Stored is what a tunnel keeps under the keys that begin with prefix: for its user to see. It is up to 1 MiB. Errors wrap
// api.ErrUnknownHost: no such tunnel.
func (g *Gate) Stored(tunnel, prefix string) (map[string][]byte, error) {
	t, err := g.tunnel(tunnel)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte)
	for _, key := range t.store.keys(prefix) {
		if value, ok := t.store.get(key); ok {
			out[key] = value
		}
	}
	return out, nil
}
