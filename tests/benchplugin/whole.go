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
	"time"

	"clove.i2p/tests/bench"
	"clove.i2p/tests/netns"
)

const (
	routers     = 3 // between client and server
	routerPort  = 9300
	socksProxy  = "127.0.0.1:4447"
	clientPort  = "127.0.0.1:7670"
	readyLimit  = 2 * time.Minute
	fetchLimit  = 5 * time.Minute
	siteHost    = "the eepsite"
	unlimited   = "peer_minute = 0\npeer_hour = 0\npeer_day = 0\ntotal_minute = 0\n"
	commandWait = 30 * time.Second
)

// A whole is two cloves, the routers between them, and the web server behind the second.
type whole struct {
	options
	dir            string
	web            *netns.Web
	transit        []*netns.Process
	client, server *netns.Process
	serve          *netns.Process
	addresses      map[string]string // .b32.i2p by what serves there
}

func benchWhole(ctx context.Context, o options, dir string, out io.Writer) (err error) {
	w := &whole{options: o, dir: dir}
	if w.web, err = netns.StartWeb(); err != nil {
		return err
	}
	defer w.web.Close()
	defer func() { err = errors.Join(err, w.stopEnds(), w.stopTransit()) }()
	if err := w.startTransit(ctx); err != nil {
		return err
	}
	for _, hops := range o.hops {
		if err := w.startEnds(ctx, hops); err != nil {
			return fmt.Errorf("%d hops: %w", hops, err)
		}
		if err := w.measure(ctx, hops, out); err != nil {
			return fmt.Errorf("%d hops: %w", hops, err)
		}
		if err := w.stopEnds(); err != nil {
			return err
		}
	}
	return nil
}

func (w *whole) folder(name string) string { return filepath.Join(w.dir, name) }

// start runs a clove with a configuration of its own behind that of the network.
func (w *whole) start(ctx context.Context, name string, host byte, length int, socks, more string, seeds []string) (*netns.Process, error) {
	dir := w.folder(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	cfg := netns.Config{Dir: dir, Listen: fmt.Sprintf("%s:%d", netns.Host(host), routerPort), Seeds: seeds, Length: length, SOCKS: socks}
	file := filepath.Join(dir, "clove.toml")
	if err := os.WriteFile(file, []byte(cfg.String()+more), 0o600); err != nil {
		return nil, err
	}
	p, err := netns.Start(exec.Command(w.clove, "run", "--data-dir", dir), dir+".log")
	if err != nil {
		return nil, err
	}
	err = bench.Poll(ctx, name+" starts", readyLimit, func() error {
		if !p.Alive() {
			return bench.Never(fmt.Errorf("%s ended", name))
		}
		if _, err := os.Stat(filepath.Join(dir, "router.info")); err != nil {
			return err
		}
		return w.query(ctx, name, nil, "status")
	})
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// query runs a command of clove with --json.
func (w *whole) query(ctx context.Context, name string, into any, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.clove, append(args, "--json", "--data-dir", w.folder(name))...)
	cmd.Env = netns.Environ()
	out, err := cmd.Output()
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(out, into)
}

// startTransit starts the routers twice: to have their RouterInfos, and then with all of these.
func (w *whole) startTransit(ctx context.Context) error {
	for _, seeds := range [][]string{nil, w.seeds()} {
		if err := w.stopTransit(); err != nil {
			return err
		}
		for i := range routers {
			p, err := w.start(ctx, fmt.Sprintf("router%d", i), byte(2+i), 1, "", "router.floodfill = \"on\"\nrouter.bandwidth.share = 100\n", seeds)
			if err != nil {
				return err
			}
			w.transit = append(w.transit, p)
		}
	}
	return nil
}

func (w *whole) seeds() []string {
	var files []string
	for i := range routers {
		files = append(files, filepath.Join(w.folder(fmt.Sprintf("router%d", i)), "router.info"))
	}
	return files
}

func (w *whole) stopTransit() error {
	var errs []error
	for _, p := range w.transit {
		errs = append(errs, p.Stop())
	}
	w.transit = nil
	return errors.Join(errs...)
}

func (w *whole) stopEnds() error {
	var errs []error
	for _, p := range []**netns.Process{&w.serve, &w.client, &w.server} {
		if *p != nil {
			errs = append(errs, (*p).Stop())
			*p = nil
		}
	}
	return errors.Join(errs...)
}

// startEnds starts both with tunnels of so many hops.
func (w *whole) startEnds(ctx context.Context, hops int) (err error) {
	const ends = "router.floodfill = \"off\"\nrouter.transit = false\nrouter.tunnels.quantity = 2\n"
	server, client := fmt.Sprintf("server%d", hops), fmt.Sprintf("client%d", hops)
	web := w.web.Address().String()
	w.server, err = w.start(ctx, server, 1, hops, "", ends+
		fmt.Sprintf("[tunnels.tcp]\ntype = \"tcp-server\"\ntarget = %q\n%s[tunnels.http]\ntype = \"http-server\"\ntarget = \"http://%s\"\n%s", web, unlimited, web, unlimited), w.seeds())
	if err != nil {
		return err
	}
	w.addresses = map[string]string{}
	for _, name := range []string{"tcp", "http"} {
		err := bench.Poll(ctx, "tunnel "+name+" is published", readyLimit, func() error {
			var t struct {
				Address   string `json:"address"`
				Published bool   `json:"published"`
				State     string `json:"state"`
				Error     string `json:"error"`
			}
			if err := w.query(ctx, server, &t, "tunnel", "show", name); err != nil {
				return err
			}
			if w.addresses[name] = t.Address; !t.Published {
				return fmt.Errorf("%s %s", t.State, t.Error)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	var ready <-chan netns.Ready
	w.serve, ready, err = netns.StartClove(w.folder("serve.log"), w.clove, "serve", "--json", "--data-dir", w.folder(server), "http://"+web)
	if err != nil {
		return err
	}
	select {
	case r := <-ready:
		w.addresses[siteHost] = r.Eepsite
	case <-time.After(readyLimit):
	}
	if w.addresses[siteHost] == "" {
		return errors.New("clove serve is not ready")
	}
	w.client, err = w.start(ctx, client, 0, hops, socksProxy, ends+
		fmt.Sprintf("[tunnels.bench]\ntype = \"tcp-client\"\nlisten = %q\ndestination = [\"%s:80\"]\n", clientPort, w.addresses[siteHost]), w.seeds())
	return err
}

// A path is where a download begins, and which destination it reads from.
type path struct {
	way    *way
	via    string
	socks  bool
	target string
}

func (w *whole) measure(ctx context.Context, hops int, out io.Writer) error {
	plain := &way{name: "SOCKS proxy, clove serve"}
	port, tcp, http := &way{name: "tcp-client plugin"}, &way{name: "tcp-server plugin"}, &way{name: "http-server plugin"}
	paths := []path{
		{plain, socksProxy, true, siteHost}, {port, clientPort, false, siteHost}, {tcp, socksProxy, true, "tcp"}, {http, socksProxy, true, "http"},
	}
	for _, p := range paths {
		if err := bench.Poll(ctx, p.way.name+" answers", readyLimit, func() error { return get(p.via, p.socks, w.addresses[p.target], 1000) }); err != nil {
			return err
		}
	}
	for i := range w.repeat + 1 {
		for n := range paths {
			p := paths[(i+n)%len(paths)] // another one is the first each time
			s, err := w.download(p)
			if err != nil {
				return fmt.Errorf("%s: %w", p.way.name, err)
			}
			if i > 0 {
				p.way.samples = append(p.way.samples, s)
			}
		}
	}
	length := fmt.Sprintf("%d hops, %d MB", hops, w.size/mega)
	printWays(out, length+": client's CPU", (*way).cpu, plain, port)
	printWays(out, length+": server's CPU", (*way).other, plain, tcp, http)
	return nil
}

func (w *whole) download(p path) (s sample, err error) {
	times := func() (client, server time.Duration, err error) {
		if client, err = processTime(w.client.PID()); err == nil {
			server, err = processTime(w.server.PID())
		}
		return client, server, err
	}
	client, server, err := times()
	if err != nil {
		return s, err
	}
	begin := time.Now()
	if err := get(p.via, p.socks, w.addresses[p.target], w.size); err != nil {
		return s, err
	}
	s = sample{bytes: w.size, took: time.Since(begin)}
	clientAfter, serverAfter, err := times()
	s.cpu, s.other = clientAfter-client, serverAfter-server
	return s, err
}
