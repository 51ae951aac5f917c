//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"clove.i2p/tests/bench"
	"clove.i2p/tests/netns"
)

// networkLine is what benchnetwork tells about one length of tunnels.
type networkLine struct {
	Hops      int     `json:"hops"`
	Speed     float64 `json:"mb_s"`
	Client    float64 `json:"cpu_client"`
	Server    float64 `json:"cpu_server"`
	Transit   float64 `json:"cpu_transit"`
	Datagrams float64 `json:"datagrams_mb"`
}

// all is the CPU of all routers, in milliseconds per MB.
func (l networkLine) all() float64 { return l.Client + l.Server + l.Transit }

// A variant is a kind of network.
type variant struct {
	name string
	args []string
	mb   int // per download
}

func (o options) variants() []variant {
	var all []variant
	for _, m := range o.modes {
		all = append(all, variant{"clove " + m, []string{"-clove", o.clove, "-batching", m}, o.size})
	}
	for _, p := range o.i2pd {
		all = append(all, variant{bench.I2pdVersion(p), []string{"-i2pd", p}, max(o.size/i2pdShare, 1)})
	}
	return all
}

// network downloads through a whole network with SSU2 alone.
func (r *results) network(ctx context.Context, o options, v variant) error {
	dir := filepath.Join(o.dir, "network-"+strconv.Itoa(len(r.networks)))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	file := filepath.Join(dir, "results.json")
	args := append([]string{"-transport", "ssu2", "-hops", "0,1", "-streams", "1", "-fetches", "5", "-repeat", strconv.Itoa(o.repeat),
		"-size", strconv.Itoa(v.mb), "-json", file, "-dir", dir}, v.args...)
	p, err := netns.Start(exec.Command(o.network, args...), dir+".log")
	if err != nil {
		return err
	}
	for limit := time.After(networkLimit); p.Alive(); {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), p.Stop())
		case <-limit:
			return errors.Join(fmt.Errorf("%s: not within %v", v.name, networkLimit), p.Stop())
		case <-time.After(100 * time.Millisecond):
		}
	}
	var out struct {
		Lengths []networkLine `json:"lengths"`
	}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return fmt.Errorf("%s: no results, see %s.log: %w", v.name, dir, err)
	}
	r.networks = append(r.networks, network{v.name, out.Lengths})
	return nil
}

// A network is the results of a variant.
type network struct {
	name  string
	lines []networkLine
}

func (r *results) printNetworks(w io.Writer) {
	if len(r.networks) == 0 {
		return
	}
	last := r.networks[len(r.networks)-1]
	fmt.Fprintf(w, "\ndownloads through networks with SSU2 alone; x: times %s; CPU in ms per MB of the download\n", last.name)
	fmt.Fprintf(w, "%4s  %-14s %8s %8s %9s %11s %9s %9s %9s %9s %10s\n", "hops", "routers", "MB/s", "x", "UDP/MB", "datagrams/s", "client", "server",
		"transit", "all", "cheaper x")
	for i := range last.lines {
		for _, n := range r.networks {
			if i >= len(n.lines) {
				continue
			}
			l, base := n.lines[i], last.lines[i]
			fmt.Fprintf(w, "%4d  %-14s %8.2f %8.2f %9.0f %11.0f %9.1f %9.1f %9.1f %9.1f %10.2f\n", l.Hops, n.name, l.Speed, l.Speed/base.Speed, l.Datagrams,
				l.Datagrams*l.Speed, l.Client, l.Server, l.Transit, l.all(), base.all()/l.all())
		}
	}
}
