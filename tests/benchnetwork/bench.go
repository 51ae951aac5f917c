//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"clove.i2p/tests/bench"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/netns"
)

const (
	transitRouters = 6
	floodfills     = 3
)

// A network is the eight routers and the web server behind the eepsite.
type network struct {
	options
	dir            string
	web            *netns.Web
	client, server *node
	transit        []*node
	site           *netns.Process
	eepsite        string
	i2pd           *interop.Network // in place of the processes of the nodes
	offset         int              // of the ports of the proxies
}

func (n *network) nodes() []*node { return append([]*node{n.client, n.server}, n.transit...) }

// bench brings the network up and measures every line.
func measureAll(ctx context.Context, o options, out io.Writer) (err error) {
	dir := o.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "clove-bench-"); err != nil {
			return err
		}
		defer func() {
			if err == nil {
				os.RemoveAll(dir)
			} else {
				err = fmt.Errorf("%w (logs are in %s)", err, dir)
			}
		}()
	}
	n, err := build(o, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	start := n.startTransit
	if o.i2pd != "" {
		start = n.startI2pd
	}
	if err := start(ctx); err != nil {
		return err
	}
	r := results{
		Versions: []string{n.version()}, Load: bench.Load(), Size: o.size, CPUs: runtime.NumCPU(),
		IdleRSS: map[string]float64{}, RSSAfter: map[string]float64{},
	}
	for i, length := range o.hops {
		ends := n.startEnds
		if o.i2pd != "" {
			ends = n.chooseEnds
		}
		if err := ends(ctx, length); err != nil {
			return fmt.Errorf("%d hops: %w", length, err)
		}
		if i == 0 {
			if r.Loopback, err = n.loopback(ctx); err != nil {
				return err
			}
			if err := n.memory(r.IdleRSS); err != nil {
				return err
			}
			r.printHead(out)
		}
		for _, streams := range o.streams {
			l, err := n.measure(ctx, length, streams)
			if err != nil {
				return fmt.Errorf("%d hops, %d streams: %w", length, streams, err)
			}
			r.Lengths = append(r.Lengths, l)
			l.print(out)
			if err := r.write(o.json); err != nil {
				return err
			}
		}
	}
	if err := n.memory(r.RSSAfter); err != nil {
		return err
	}
	r.LoadAfter = bench.Load()
	r.printCompared(out, o.compare)
	return r.write(o.json)
}

func build(o options, dir string) (*network, error) {
	n := &network{options: o, dir: dir}
	add := func(name string, i byte, r role) *node {
		return &node{name: name, dir: filepath.Join(dir, name), address: netns.Host(i).String(), binary: o.clove, role: r,
			transports: o.transports, batching: o.batching}
	}
	n.client, n.server = add("client", 0, client), add("server", 1, server)
	for i := range transitRouters {
		r := transit
		if i < floodfills {
			r = floodfill
		}
		n.transit = append(n.transit, add("transit"+strconv.Itoa(i), byte(2+i), r))
	}
	if o.i2pd != "" {
		return n, nil // it comes with a web server
	}
	var err error
	n.web, err = netns.StartWeb()
	return n, err
}

// startTransit starts the transit routers twice: to have their RouterInfos, and then with all of these.
func (n *network) startTransit(ctx context.Context) error {
	for _, seeds := range [][]string{nil, n.seeds()} {
		for _, t := range n.transit {
			if err := t.stop(); err != nil {
				return err
			}
			if err := t.start(seeds); err != nil {
				return err
			}
		}
		for _, t := range n.transit {
			if err := t.waitRunning(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *network) seeds() []string {
	var files []string
	for _, t := range n.transit {
		files = append(files, t.routerInfo())
	}
	return files
}

// startEnds starts client and server anew with tunnels of so many hops, and waits until the eepsite can be read.
func (n *network) startEnds(ctx context.Context, length int) error {
	if err := n.stopEnds(); err != nil {
		return err
	}
	for _, e := range []*node{n.client, n.server} {
		e.length = length
		if err := e.start(n.seeds()); err != nil {
			return err
		}
	}
	for _, e := range []*node{n.client, n.server} {
		if err := e.waitRunning(ctx); err != nil {
			return err
		}
	}
	var err error
	if n.eepsite, n.site, err = n.server.serve(ctx, "http://"+n.web.Address().String()); err != nil {
		return err
	}
	return n.waitReady(ctx)
}

func (n *network) waitReady(ctx context.Context) error {
	return bench.Poll(ctx, "the eepsite answers", readyLimit, func() error {
		_, err := get(ctx, n.httpProxy(), n.eepsite, "/", 20*time.Second)
		return err
	})
}

func (n *network) stopEnds() error {
	var errs []error
	if n.site != nil {
		errs = append(errs, n.site.Stop())
		n.site = nil
	}
	return errors.Join(append(errs, n.client.stop(), n.server.stop())...)
}

func (n *network) stop() error {
	if n.i2pd != nil {
		return n.i2pd.Stop()
	}
	errs := []error{n.stopEnds()}
	for _, t := range n.transit {
		if t.process != nil {
			t.process.Signal(os.Interrupt) // all at once, so that they end in the time of one
		}
	}
	for _, t := range n.transit {
		errs = append(errs, t.stop())
	}
	return errors.Join(errs...)
}

func (n *network) httpProxy() string  { return n.proxy(httpPort) }
func (n *network) socksProxy() string { return n.proxy(socksPort) }

func (n *network) proxy(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port+n.offset))
}

// loopback is the speed of the download without I2P, in MB/s.
func (n *network) loopback(ctx context.Context) (float64, error) {
	var speeds []float64
	for range 3 {
		start := time.Now()
		f, err := get(ctx, n.web.Address().String(), "", "/bytes/"+strconv.Itoa(n.size*mega), n.limit)
		if err != nil {
			return 0, err
		}
		speeds = append(speeds, float64(f.bytes)/mega/time.Since(start).Seconds())
	}
	return bench.Median(speeds), nil
}

// memory notes the resident MB of every process.
func (n *network) memory(into map[string]float64) error {
	for _, e := range n.nodes() {
		u, err := bench.UsageOf(e.pid())
		if err != nil {
			return err
		}
		into[e.name] = round(float64(u.RSS) / mega)
	}
	return nil
}

func (n *network) version() string {
	if n.i2pd != nil {
		return bench.I2pdVersion(n.options.i2pd)
	}
	var s struct {
		Version string `json:"version"`
	}
	if n.transit[0].status(context.Background(), &s) != nil {
		return "?"
	}
	return "clove " + s.Version
}
