package testnet

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// kept is how many lines of the routers' logs are kept.
const kept = 300

// A ring keeps the last lines that the routers logged.
type ring struct {
	mu    sync.Mutex
	start time.Time
	lines []string
	next  int
}

func newRing() *ring { return &ring{start: time.Now()} }

// handler of the logs of one router.
func (r *ring) handler(i int) slog.Handler {
	return slog.NewTextHandler(line{r, i}, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	})
}

type line struct {
	ring *ring
	node int
}

func (l line) Write(p []byte) (int, error) {
	r := l.ring
	s := fmt.Sprintf("%10.3f r%02d %s", time.Since(r.start).Seconds(), l.node, bytes.TrimSpace(p))
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < kept {
		r.lines = append(r.lines, s)
	} else {
		r.lines[r.next] = s
		r.next = (r.next + 1) % kept
	}
	return len(p), nil
}

func (r *ring) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Concat(r.lines[r.next:], r.lines[:r.next])
}

// report prints what happened, for a test that fails.
func (n *Network) report() {
	var b strings.Builder
	fmt.Fprintf(&b, "the routers' last log lines, in virtual seconds:\n%s\n", strings.Join(n.logs.all(), "\n"))
	for _, node := range n.Nodes {
		node.describe(&b)
	}
	b.WriteString("links: from -> to, dials, bytes\n")
	n.lan.mu.Lock()
	for _, from := range n.Nodes {
		for _, to := range n.Nodes {
			if l := from.host.sent[to.host.addr]; l != nil {
				fmt.Fprintf(&b, "  r%02d -> r%02d %3d %10d\n", from.Index, to.Index, l.dials, l.bytes)
			}
		}
	}
	n.lan.mu.Unlock()
	n.t.Log(b.String())
}

func (n *Node) describe(b *strings.Builder) {
	s := n.Status()
	fmt.Fprintf(b, "%s caps %s sessions %d transit %d\n  stats %+v\n", n, s.Caps, len(s.Sessions), len(s.Transit), s.Stats)
	for _, d := range s.Destinations {
		fmt.Fprintf(b, "  destination %s stats %+v\n    streams %+v\n", d.Hash.Short(), d.Stats, d.Streaming)
		for _, t := range d.Tunnels {
			var hops []string
			for _, h := range t.Hops {
				hops = append(hops, n.network.name(h.Short()))
			}
			fmt.Fprintf(b, "    %s %v expires in %v latency %v messages %d\n",
				t.Direction, hops, time.Until(t.Expires).Round(time.Second), t.Latency, t.Messages)
		}
	}
}

// name of a router in reports.
func (n *Network) name(short string) string {
	for _, node := range n.Nodes {
		if node.Hash().Short() == short {
			return fmt.Sprintf("r%02d", node.Index)
		}
	}
	return short
}
