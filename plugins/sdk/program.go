package sdk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"clove.i2p/plugins/api/pb"
)

// Program serves a Plugin's tunnels to one host. Serve makes one of a process; tests make them with Connect.
type Program struct {
	plugin      Plugin
	description *pb.Description
	types       map[string]TunnelType
	dataSocket  string

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	conn   *grpc.ClientConn
	host   pb.HostClient
	gone   chan struct{}
	tasks  sync.WaitGroup

	mu      sync.Mutex
	tunnels map[string]*Tunnel
}

// Connect makes the program of a plugin whose host serves on two unix sockets: hostSocket is the Host service, dataSocket is
// for bytes. It does not wait for the host. Close it.
func Connect(p Plugin, hostSocket, dataSocket string) (*Program, error) {
	description, err := Describe(p)
	if err != nil {
		return nil, err
	}
	c, err := grpc.NewClient("unix://"+hostSocket,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithIdleTimeout(0))
	if err != nil {
		return nil, fmt.Errorf("sdk: host socket: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	own := &Program{
		plugin: p, description: description, types: map[string]TunnelType{}, dataSocket: dataSocket,
		ctx: ctx, cancel: cancel, conn: c, host: pb.NewHostClient(c), gone: make(chan struct{}), tunnels: map[string]*Tunnel{},
	}
	for i, t := range description.Types {
		own.types[t.Name] = p.Types[i]
	}
	c.Connect()
	own.tasks.Go(own.watchHost)
	return own, nil
}

// Describe checks a plugin and returns what the host will see of it.
func Describe(p Plugin) (*pb.Description, error) {
	if !namePattern.MatchString(p.Name) {
		return nil, fmt.Errorf("sdk: plugin %q: names are lower-case letters, digits and -", p.Name)
	}
	d := &pb.Description{Name: p.Name, Version: p.Version, Summary: p.Summary, Permissions: slices.Clone(p.Permissions)}
	if p.Version == "" {
		return nil, fmt.Errorf("sdk: plugin %q has no version", p.Name)
	}
	if len(p.Types) == 0 {
		return nil, fmt.Errorf("sdk: plugin %q has no tunnel types", p.Name)
	}
	for _, t := range p.Types {
		described, err := t.describe()
		if err != nil {
			return nil, fmt.Errorf("sdk: plugin %q: %w", p.Name, err)
		}
		if slices.ContainsFunc(d.Types, func(o *pb.TunnelType) bool { return o.Name == described.Name }) {
			return nil, fmt.Errorf("sdk: plugin %q has two tunnel types %q", p.Name, described.Name)
		}
		d.Types = append(d.Types, described)
	}
	return d, nil
}

// Server is what the host calls.
func (p *Program) Server() pb.PluginServer { return &server{program: p} }

// Gone is closed when the host's socket is gone.
func (p *Program) Gone() <-chan struct{} { return p.gone }

// watchHost closes gone when the connection to the host has broken and there is nobody to connect to.
func (p *Program) watchHost() {
	for {
		state := p.conn.GetState()
		switch state {
		case connectivity.Idle:
			p.conn.Connect()
		case connectivity.TransientFailure, connectivity.Shutdown:
			close(p.gone)
			return
		}
		if !p.conn.WaitForStateChange(p.ctx, state) {
			return
		}
	}
}

// Close stops all tunnels and leaves the host. It waits up to the limit for tunnels whose Run does not return.
func (p *Program) Close(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p.mu.Lock()
	var all []*Tunnel
	for name, t := range p.tunnels {
		all = append(all, t)
		delete(p.tunnels, name)
	}
	p.mu.Unlock()
	errs := make([]error, len(all))
	var wait sync.WaitGroup
	for i, t := range all {
		wait.Go(func() { errs[i] = p.end(ctx, t) })
	}
	wait.Wait()
	p.cancel()
	err := p.conn.Close()
	p.tasks.Wait()
	return errors.Join(append(errs, err)...)
}

// end stops a tunnel and its log.
func (p *Program) end(ctx context.Context, t *Tunnel) error {
	err := t.stopWait(ctx)
	t.log().close(ctx)
	return err
}

func (p *Program) tunnel(name string) (*Tunnel, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.tunnels[name]; t != nil {
		return t, nil
	}
	return nil, status.Errorf(codes.NotFound, "there is no tunnel %q here", name)
}

// take removes a tunnel from the table.
func (p *Program) take(name string) *Tunnel {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tunnels[name]
	delete(p.tunnels, name)
	return t
}
