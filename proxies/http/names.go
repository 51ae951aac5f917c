package http

import (
	"sync"

	"clove.i2p/proxies"
)

// names are those that users accepted until the proxy ends. What one user accepted does not count for another: it could
// lead them to a site of that user's choice.
type names struct {
	mu    sync.Mutex
	hosts map[nameKey]string // ParseHost's spelling: a destination, or a .b32.i2p name
	order []nameKey          // the oldest first
}

type nameKey struct {
	owner proxies.Isolation // by listener and user
	name  string
}

func newNames() *names { return &names{hosts: make(map[nameKey]string)} }

func (n *names) get(owner proxies.Isolation, name string) (host string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	host, ok = n.hosts[nameKey{owner, name}]
	return host, ok
}

// put forgets the oldest name if there are too many.
func (n *names) put(owner proxies.Isolation, name, host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := nameKey{owner, name}
	if _, known := n.hosts[k]; !known {
		if len(n.order) >= maxNames {
			delete(n.hosts, n.order[0])
			n.order = n.order[1:]
		}
		n.order = append(n.order, k)
	}
	n.hosts[k] = host
}

func (n *names) len() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.hosts)
}
