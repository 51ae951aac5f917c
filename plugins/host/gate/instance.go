package gate

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// InstanceConfig says what a plugin process is.
type InstanceConfig struct {
	Plugin      string          // its name, for texts and logs
	Permissions []pb.Permission // granted by the user
	Parent      string          // folder to put the 0700 folder in; empty: that for temporary files. Sockets have short paths.
	Log         *slog.Logger    // for what the plugin logs; nil: the Gate's
}

// Instance is one plugin process: its two sockets, its permissions, and what it holds.
//
//	NewInstance -> start the process with Env -> Serve(ctx, pid) ... ctx ends
//	                        Attach, Detach tunnels: at any time
type Instance struct {
	gate        *Gate
	plugin      string
	permissions map[pb.Permission]bool
	log         *slog.Logger
	folder      string
	host, data  *net.UnixListener
	calls       chan struct{} // a token for each call that runs
	reads       chan struct{} // a token for each Get or Keys
	opens       chan struct{} // a token for each OpenFile
	lines       lines         // those of no tunnel

	tickets tickets
	young   connTable // data connections before the end of their preamble

	mu       sync.Mutex
	attached map[string]*attachment
	links    map[*link]struct{}
	settled  chan struct{} // closed when one of links has said all; nil: nobody waits
	retired  bool
	ended    bool
}

// maxSocketPath is what fits into sun_path with its final zero.
const maxSocketPath = 107

// NewInstance makes the folder and listens on the two sockets. The caller has to call Serve or Close.
func (g *Gate) NewInstance(cfg InstanceConfig) (*Instance, error) {
	folder, err := os.MkdirTemp(cfg.Parent, "p") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("gate: folder for the sockets of plugin %s: %w", cfg.Plugin, err)
	}
	i := &Instance{
		gate: g, plugin: cfg.Plugin, permissions: make(map[pb.Permission]bool), log: cfg.Log, folder: folder,
		calls: make(chan struct{}, maxCalls), reads: make(chan struct{}, maxReads), opens: make(chan struct{}, maxOpens), lines: lines{allowed: newBucket(logRate, logBurst)},
		attached: make(map[string]*attachment), links: make(map[*link]struct{}),
	}
	if i.log == nil {
		i.log = g.log
	}
	i.log = i.log.With("plugin", cfg.Plugin)
	for _, p := range cfg.Permissions {
		i.permissions[p] = true
	}
	if i.host, err = listenSocket(i.HostSocket()); err == nil {
		i.data, err = listenSocket(i.DataSocket())
	}
	if err != nil {
		i.Close()
		return nil, fmt.Errorf("gate: sockets of plugin %s: %w", cfg.Plugin, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.instances[i] = struct{}{}
	return i, nil
}

func listenSocket(path string) (*net.UnixListener, error) {
	if len(path) > maxSocketPath {
		return nil, refuse(api.ErrInvalid, "the path %s is longer than the %d bytes of a unix socket: use a shorter folder", path, maxSocketPath)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// Folder has mode 0700 and the two sockets in it: what a sandbox has to let the plugin see.
func (i *Instance) Folder() string { return i.folder }

// HostSocket is the path for api.HostEnv.
func (i *Instance) HostSocket() string { return filepath.Join(i.folder, "host") }

// DataSocket is the path for api.DataEnv.
func (i *Instance) DataSocket() string { return filepath.Join(i.folder, "data") }

// Env is what the process needs in its environment to find the sockets, as NAME=value.
func (i *Instance) Env() []string {
	return []string{api.HostEnv + "=" + i.HostSocket(), api.DataEnv + "=" + i.DataSocket()}
}

// Serve serves the process until ctx ends. Only that process and its descendants may connect; pid 0 is not known, and any process
// of our user may. At the end the connections of the process are closed and its tickets void; what it had not yet
// taken waits for another process, and so do the listeners.
func (i *Instance) Serve(ctx context.Context, pid int) error {
	defer i.Close()
	server, check := i.newServer(), peerIs(pid)
	failed := make(chan error, 2)
	var running sync.WaitGroup
	running.Go(func() {
		failed <- server.Serve(&hostListener{UnixListener: i.host, check: check, slots: make(chan struct{}, maxControl)})
	})
	running.Go(func() { failed <- i.serveData(check) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("gate: sockets of plugin %s: %w", i.plugin, err)
	}
	i.finish(server)
	running.Wait()
	return err
}

// finish ends all that the process has.
func (i *Instance) finish(server *grpc.Server) {
	_ = i.data.Close()
	i.young.close()
	i.mu.Lock()
	i.ended = true
	attached := make([]string, 0, len(i.attached))
	for name := range i.attached {
		attached = append(attached, name)
	}
	i.mu.Unlock()
	i.tickets.void(nil)
	for _, name := range attached {
		i.Detach(name)
	}
	for _, l := range i.held() {
		l.abort()
	}
	server.Stop()
}

// Attach lets the process use a tunnel. Several processes may use one: the newest that listens gets what arrives.
func (i *Instance) Attach(tunnel string) error {
	t, err := i.gate.tunnel(tunnel)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return refuse(api.ErrNotReady, "the process of plugin %s has ended", i.plugin)
	}
	if a := i.attached[tunnel]; a != nil && a.tunnel == t {
		return nil
	}
	i.attached[tunnel] = &attachment{tunnel: t, slots: make(chan struct{}, maxTickets), lines: lines{allowed: newBucket(logRate, logBurst)}, gone: make(chan struct{})}
	return nil
}

// Detach takes the tunnel away: the process's connections of it are closed. Its listeners stay.
func (i *Instance) Detach(tunnel string) {
	i.mu.Lock()
	a := i.attached[tunnel]
	delete(i.attached, tunnel)
	i.mu.Unlock()
	if a == nil {
		return
	}
	i.tickets.mu.Lock()
	close(a.gone)
	i.tickets.mu.Unlock()
	a.tunnel.leave(i)
	i.tickets.void(a)
	for _, l := range i.held() {
		if l.tunnel == a.tunnel {
			l.abort()
		}
	}
}

// Retire says that another process takes over: from now on CloseListener by this one leaves the listeners where they are.
func (i *Instance) Retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.retired = true
}

func (i *Instance) isRetired() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.retired
}

// Close ends an instance that was not served.
func (i *Instance) Close() {
	for _, l := range []*net.UnixListener{i.host, i.data} {
		if l != nil {
			_ = l.Close()
		}
	}
	_ = os.RemoveAll(i.folder)
	i.gate.mu.Lock()
	defer i.gate.mu.Unlock()
	delete(i.gate.instances, i)
}

// tunnel is one that the process may use.
func (i *Instance) tunnel(name string) (*attachment, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if a := i.attached[name]; a != nil {
		return a, nil
	}
	return nil, errDetached(name)
}

func errDetached(name string) error {
	return refuse(api.ErrPermission, "tunnel %.70q is not one of this plugin: it has those that Start was called for, until Stop", name)
}

// hold counts a link as the process's. It is false if the process has ended.
func (i *Instance) hold(l *link) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.ended {
		i.links[l] = struct{}{}
	}
	return !i.ended
}

func (i *Instance) drop(l *link) {
	defer i.settle()
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.links, l)
}

func (i *Instance) held() []*link {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := make([]*link, 0, len(i.links))
	for l := range i.links {
		out = append(out, l)
	}
	return out
}
