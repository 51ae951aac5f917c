//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"runtime/pprof"
	"strconv"
	"sync"
	"syscall"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2"
	"clove.i2p/router/udp"
	"clove.i2p/tests/netns"
)

// peerCommand is the argument that makes this program one end of sessions, driven over its standard input and output:
// a line with a request, a line with the answer.
const peerCommand = "peer"

// A request to a peer process.
type request struct {
	Do    string   `json:"do"`
	Infos [][]byte `json:"infos,omitempty"` // dial
	Size  int      `json:"size,omitempty"`  // push, ping: bytes of a message
	Count int      `json:"count,omitempty"` // ping
	File  string   `json:"file,omitempty"`  // profile
}

// An answer of a peer process.
type answer struct {
	Error    string          `json:"error,omitempty"`
	Infos    [][]byte        `json:"infos,omitempty"`
	Features string          `json:"features,omitempty"`
	Trips    []time.Duration `json:"trips,omitempty"`
	Counts   counts          `json:"counts,omitzero"`
}

// counts since the start of a process.
type counts struct {
	At       time.Time     `json:"at"`
	CPU      time.Duration `json:"cpu"`
	Messages uint64        `json:"messages"` // delivered
	Bytes    uint64        `json:"bytes"`    // of these messages
	Offered  uint64        `json:"offered"`  // messages that the sessions took
	Dropped  uint64        `json:"dropped"`  // that they did not take
	Acked    uint64        `json:"acked"`    // of those offered
	Sent     uint64        `json:"sent"`     // packets
	Received uint64        `json:"received"`
	Writes   uint64        `json:"writes"` // system calls; 0: one for each packet
	Reads    uint64        `json:"reads"`
}

// servePeer is the process of a peer; it ends with its input.
func servePeer(args []string, in io.Reader, out io.Writer) error {
	f := flag.NewFlagSet(peerCommand, flag.ContinueOnError)
	mode := f.String("mode", "auto", "how packets move")
	ends := f.Int("ends", 1, "number of transports")
	first := f.Int("host", 0, "address of the first in the network")
	if err := f.Parse(args); err != nil {
		return err
	}
	p := &peer{}
	defer p.close()
	for i := range *ends {
		e, err := newEnd(netns.Host(byte(*first+i)), modes[*mode])
		if err != nil {
			return err
		}
		p.ends = append(p.ends, e)
	}
	lines, reply := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var r request
		if err := lines.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := p.do(r)
		if err != nil {
			a.Error = err.Error()
		}
		if err := reply.Encode(a); err != nil {
			return err
		}
	}
}

// modes are the ways to move packets.
var modes = map[string]udp.Mode{"plain": udp.Plain, "batched": udp.Batched, "auto": udp.Auto}

// A peer has one transport, or several.
type peer struct {
	ends    []*end
	pushing *pusher
	profile *os.File
}

func (p *peer) do(r request) (a answer, err error) {
	switch r.Do {
	case "infos":
		for _, e := range p.ends {
			a.Infos = append(a.Infos, e.info.Bytes())
		}
		a.Features = p.ends[0].socket.Features()
	case "dial":
		err = p.dial(r.Infos)
	case "push":
		p.pushing = startPusher(p.ends[0].all(), r.Size)
	case "stop":
		p.pushing.stop()
	case "ping":
		a.Trips, err = p.ends[0].ping(r.Size, r.Count)
	case "echo":
		for _, e := range p.ends {
			e.echo.Store(true)
		}
	case "counts":
		a.Counts, err = p.counts()
	case "profile":
		if p.profile, err = os.Create(r.File); err == nil {
			err = pprof.StartCPUProfile(p.profile)
		}
	case "profiled":
		pprof.StopCPUProfile()
		err = p.profile.Close()
	default:
		err = fmt.Errorf("unknown request %q", r.Do)
	}
	return a, err
}

// dial opens a session from the first transport to each of the others.
func (p *peer) dial(infos [][]byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit)
	defer cancel()
	for _, b := range infos {
		ri, _, err := i2p.ParseRouterInfo(b)
		if err != nil {
			return err
		}
		if _, err := p.ends[0].transport.Dial(ctx, ri); err != nil {
			return err
		}
	}
	return nil
}

func (p *peer) counts() (c counts, err error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return c, err
	}
	c.At, c.CPU = time.Now(), time.Duration(u.Utime.Nano()+u.Stime.Nano())
	for _, e := range p.ends {
		c.Messages += e.messages.Load()
		c.Bytes += e.bytes.Load()
		s := e.socket.Counts()
		c.Sent += s.Written
		c.Received += s.Read
		c.Writes += s.Writes
		c.Reads += s.Reads
	}
	if p.pushing != nil {
		c.Offered, c.Dropped = p.pushing.offered.Load(), p.pushing.dropped.Load()
		c.Acked = c.Offered
		for _, s := range p.ends[0].all() {
			c.Acked -= uint64(s.Status().Queued)
		}
	}
	return c, nil
}

func (p *peer) close() {
	for _, e := range p.ends {
		e.close()
	}
}

// newEnd starts a transport at an address of the network.
func newEnd(at netip.Addr, mode udp.Mode) (*end, error) {
	k, err := i2p.NewRouterKeys()
	if err != nil {
		return nil, err
	}
	static, err := keys.GenerateX25519()
	if err != nil {
		return nil, err
	}
	e := &end{ended: make(chan struct{}), replies: make(chan struct{}, 1)}
	cfg := ssu2.Config{
		Listen: []netip.AddrPort{netip.AddrPortFrom(at, 0)}, NetworkID: netns.NetworkID, AllowPrivate: true,
		StaticKey: static, IntroKey: ssu2.NewIntroKey(), SigningKey: k.Signing, SelfHash: k.Identity.Hash(),
		Self: func() *i2p.RouterInfo { return e.info },
	}
	e.transport, err = ssu2.New(cfg, ssu2.Deps{
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Listen: func(_ context.Context, at netip.AddrPort) (ssu2.Socket, error) {
			var err error
			e.socket, err = udp.Listen(at, udp.Options{Mode: mode})
			return e.socket, err
		},
	})
	if err != nil {
		return nil, err
	}
	e.info, err = i2p.NewRouterInfo(k, clock.New().Now(), e.transport.Addresses(), map[string]string{
		"netId": strconv.Itoa(netns.NetworkID), "router.version": "0.9.66", "caps": "XR",
	})
	if err != nil {
		return nil, errors.Join(err, e.transport.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.close = sync.OnceFunc(func() { cancel(); <-e.ended })
	go func() {
		defer close(e.ended)
		if err := e.transport.Serve(ctx, e); err != nil {
			fmt.Fprintln(os.Stderr, "serve:", err)
		}
	}()
	return e, nil
}
