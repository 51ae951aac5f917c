package socks

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/relay"
)

// association is a UDP ASSOCIATE: a socket beside the listener on which the client's packets come, and packet sockets in I2P.
//
//	client -> readClient -> rules -> lane (by host) -> far.WriteTo
//	client <- readFar <- far.ReadFrom
//
// It lives as long as the TCP connection, and moves packets of that client only. Rules are asked for every packet; what is
// not for I2P is dropped and counted. Answers come from b32 names, whatever name was sent to.
type association struct {
	s      *Server
	who    proxies.Credentials
	local  *net.UDPConn
	client netip.Addr
	peer   atomic.Pointer[netip.AddrPort] // where the client sends from: what it said, or its first packet's
	dog    *relay.Watchdog
	tasks  sync.WaitGroup

	lanes [lanes]chan packet // nil until needed; of readClient

	mu    sync.Mutex
	ended bool
	fars  map[proxies.Isolation]*far
}

// packet is on its way to a host in I2P. Its data is its own.
type packet struct {
	key  proxies.Isolation
	to   string // host:port
	data []byte
}

// far is a packet socket in I2P. opened is closed when conn and err are set.
type far struct {
	opened chan struct{}
	conn   proxies.PacketConn
	err    error
}

// associations counts those that are open.
type associations struct {
	mu       sync.Mutex
	byClient map[netip.Addr]int
	all      int
}

func (a *associations) enter(client netip.Addr, limit int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byClient[client] >= limit || a.all >= maxAssociations {
		return false
	}
	a.byClient[client]++
	a.all++
	return true
}

func (a *associations) leave(client netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all--
	if a.byClient[client]--; a.byClient[client] == 0 {
		delete(a.byClient, client)
	}
}

var errTooMany = fmt.Errorf("socks: too many associations of this client: %w", proxies.ErrRefused)

// associate opens the socket for the client and, unless sites are isolated, the one in I2P, so that the reply tells whether
// there is one. After an error nothing is left; otherwise the caller has to call run, close and leave.
func (s *Server) associate(ctx context.Context, c *proxies.Client, who proxies.Credentials, port int) (*association, error) {
	near, ok := c.LocalAddr().(*net.TCPAddr)
	client := clientOf(c)
	if !ok || !client.IsValid() {
		return nil, errors.New("socks: UDP ASSOCIATE on a connection that is not TCP")
	}
	if !s.packets.enter(client, s.cfg.MaxAssociations) {
		return nil, errTooMany
	}
	local, err := net.ListenUDP("udp", &net.UDPAddr{IP: near.IP, Zone: near.Zone})
	if err != nil {
		s.packets.leave(client)
		return nil, fmt.Errorf("socks: UDP ASSOCIATE: %w", err)
	}
	a := &association{s: s, who: who, local: local, client: client, fars: make(map[proxies.Isolation]*far)}
	if port != 0 {
		peer := netip.AddrPortFrom(client, uint16(port))
		a.peer.Store(&peer)
	}
	if s.cfg.Isolation.Site {
		return a, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_ = c.SetDeadline(time.Time{})
	stop := c.Watch(cancel)
	_, err = a.far(ctx, s.cfg.Isolation.Key(s.cfg.Name, who, "", proxies.Shape{}))
	stop()
	if err != nil {
		a.close()
		s.packets.leave(client)
		return nil, err
	}
	return a, nil
}

// address is where the client has to send.
func (a *association) address() netip.AddrPort {
	p := a.local.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// run moves packets until the TCP connection or ctx ends, or nothing moved for PacketIdle.
func (a *association) run(ctx context.Context, c *proxies.Client) {
	ctx, cancel := context.WithCancel(ctx)
	_ = c.SetDeadline(time.Time{})
	a.dog = relay.NewWatchdog(a.s.cfg.PacketIdle, cancel)
	context.AfterFunc(ctx, a.close)
	a.tasks.Go(func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, c)
	})
	a.mu.Lock()
	for key, f := range a.fars {
		a.tasks.Go(func() { a.readFar(key, f) })
	}
	a.mu.Unlock()

	a.readClient(ctx)
	cancel()
	_ = c.Close()
	a.close()
	for _, lane := range a.lanes {
		if lane != nil {
			close(lane)
		}
	}
	a.tasks.Wait()
	a.dog.Stop()
}

// close ends readClient and all readFar.
func (a *association) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	_ = a.local.Close()
	for _, f := range a.fars {
		select {
		case <-f.opened:
			if f.err == nil {
				_ = f.conn.Close()
			}
		default: // far closes it
		}
	}
}

func (a *association) readClient(ctx context.Context) {
	b := make([]byte, 64<<10)
	for {
		n, from, err := a.local.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if p, ok := a.accept(from, b[:n]); !ok || !a.enqueue(ctx, p) {
			a.s.counters.PacketDropped()
		}
	}
}

// accept checks whose packet it is, and asks the rules.
func (a *association) accept(from netip.AddrPort, b []byte) (packet, bool) {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	peer := a.peer.Load()
	if from.Addr() != a.client || peer != nil && from.Port() != peer.Port() {
		return packet{}, false
	}
	host, port, data, err := parseDatagram(b)
	if err != nil || len(data) > maxPacket {
		return packet{}, false
	}
	if peer == nil {
		a.peer.Store(&from)
	}
	cfg := &a.s.cfg
	d := a.s.policy.Decide(proxies.Request{
		Listener: cfg.Name, User: a.who.ProvenUser(), Host: host, Port: port, Method: proxies.MethodUDP,
	})
	if d.Action != proxies.ToI2P {
		return packet{}, false
	}
	return packet{
		key: cfg.Isolation.Key(cfg.Name, a.who, d.Host, d.Tunnels), to: net.JoinHostPort(d.Host, strconv.Itoa(port)),
		data: append([]byte(nil), data...),
	}, true
}

var laneSeed = maphash.MakeSeed()

// enqueue keeps the order of packets to one host. A lane may wait for a lookup; what does not fit before it is dropped.
func (a *association) enqueue(ctx context.Context, p packet) bool {
	lane := &a.lanes[maphash.String(laneSeed, p.to)%lanes]
	if *lane == nil {
		queue := make(chan packet, queueLength)
		*lane = queue
		a.tasks.Go(func() {
			for p := range queue {
				a.send(ctx, p)
			}
		})
	}
	select {
	case *lane <- p:
		return true
	default:
		return false
	}
}

func (a *association) send(ctx context.Context, p packet) {
	ctx, cancel := context.WithTimeout(ctx, a.s.cfg.DialTimeout)
	defer cancel()
	conn, err := a.far(ctx, p.key)
	if err == nil && len(p.data) > conn.MaxPayload() {
		err = proxies.ErrRefused
	}
	if err == nil {
		err = conn.WriteTo(ctx, p.data, p.to)
	}
	if err != nil {
		a.s.counters.PacketDropped()
		return
	}
	a.dog.Touch()
	a.s.counters.PacketSent(len(p.data))
}
