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
	"slices"
	"strconv"
	"time"

	"clove.i2p/tests/bench"
	"clove.i2p/tests/netns"
)

// A process is a peer in another process.
type process struct {
	run     *netns.Process
	to      io.WriteCloser
	from    *os.File
	answers *json.Decoder
}

// startPeer starts this program as a peer with so many transports.
func startPeer(log, mode string, ends, host int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	cmd := exec.Command(self, peerCommand, "-mode", mode, "-ends", strconv.Itoa(ends), "-host", strconv.Itoa(host))
	cmd.Stdout = w
	to, err := cmd.StdinPipe()
	if err == nil {
		p := &process{to: to, from: r, answers: json.NewDecoder(r)}
		if p.run, err = netns.Start(cmd, log); err == nil {
			return p, nil
		}
	}
	return nil, errors.Join(err, r.Close())
}

func (p *process) ask(r request) (a answer, err error) {
	if err := json.NewEncoder(p.to).Encode(r); err != nil {
		return a, err
	}
	if err := p.answers.Decode(&a); err != nil {
		return a, fmt.Errorf("%s: %w", r.Do, err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("%s: %s", r.Do, a.Error)
	}
	return a, nil
}

// each asks several things in a row.
func (p *process) each(what ...string) error {
	for _, do := range what {
		if _, err := p.ask(request{Do: do}); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) counts() (counts, error) {
	a, err := p.ask(request{Do: "counts"})
	return a.Counts, err
}

func (p *process) stop() error {
	p.to.Close()
	return errors.Join(p.run.Stop(), p.from.Close())
}

// A sample is what some time of pushing gave.
type sample struct {
	MB, Seconds   float64 // of messages that were delivered
	Packets, Acks float64 // from the sender, and to it
	Messages      float64
	Lost          float64 // packets, or trains, that the kernel dropped
	Send, Receive time.Duration
	Writes, Reads float64 // system calls, of the sender and of the receiver
	Dropped       float64
}

func (s sample) speed() float64   { return s.MB / s.Seconds }
func (s sample) rate() float64    { return s.Packets / s.Seconds / 1000 }
func (s sample) send() float64    { return bench.Milliseconds(s.Send) / s.MB }
func (s sample) receive() float64 { return bench.Milliseconds(s.Receive) / s.MB }

// transit is what a router can carry that receives and sends, in MB per CPU second.
func (s sample) transit() float64 { return 1000 / (s.send() + s.receive()) }

// difference is the sample between two snapshots of sender and receiver.
func difference(s0, s1, r0, r1 counts) sample {
	return sample{
		MB: float64(r1.Bytes-r0.Bytes) / mega, Seconds: r1.At.Sub(r0.At).Seconds(), Packets: float64(s1.Sent - s0.Sent), Acks: float64(r1.Sent - r0.Sent),
		Messages: float64(r1.Messages - r0.Messages), Send: s1.CPU - s0.CPU, Receive: r1.CPU - r0.CPU,
		Writes: float64(s1.Writes - s0.Writes), Reads: float64(r1.Reads - r0.Reads), Dropped: float64(s1.Dropped - s0.Dropped),
	}
}

// A pair is a sender and the receiver of its sessions.
type pair struct {
	o            options
	name         string
	sender, peer *process
}

// newPair starts both and opens the sessions.
func newPair(o options, mode string, sessions int) (p *pair, err error) {
	p = &pair{o: o, name: fmt.Sprintf("%s-%d", mode, sessions)}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	log := filepath.Join(o.dir, p.name)
	if p.peer, err = startPeer(log+"-receiver.log", mode, sessions, 1); err != nil {
		return p, err
	}
	if p.sender, err = startPeer(log+"-sender.log", mode, 1, 0); err != nil {
		return p, err
	}
	infos, err := p.peer.ask(request{Do: "infos"})
	if err == nil {
		_, err = p.sender.ask(request{Do: "dial", Infos: infos.Infos})
	}
	return p, err
}

func (p *pair) stop() error {
	var errs []error
	for _, x := range []*process{p.sender, p.peer} {
		if x != nil {
			errs = append(errs, x.stop())
		}
	}
	return errors.Join(errs...)
}

// push sends messages of one size for a while.
func (p *pair) push(ctx context.Context, size int) (s sample, err error) {
	if _, err := p.sender.ask(request{Do: "push", Size: size}); err != nil {
		return s, err
	}
	if err := bench.Sleep(ctx, warmUp); err != nil {
		return s, err
	}
	if err := p.profiles(size, "profile"); err != nil {
		return s, err
	}
	u0, err := netns.UDP()
	if err != nil {
		return s, err
	}
	s0, err0 := p.sender.counts()
	r0, err1 := p.peer.counts()
	if err := errors.Join(err0, err1, bench.Sleep(ctx, p.o.time)); err != nil {
		return s, err
	}
	s1, err0 := p.sender.counts()
	r1, err1 := p.peer.counts()
	u1, err := netns.UDP()
	s = difference(s0, s1, r0, r1)
	s.Lost = float64(u1.Lost - u0.Lost)
	return s, errors.Join(err0, err1, err, p.profiles(size, "profiled"), p.sender.each("stop"), bench.Sleep(ctx, warmUp/2))
}

// profiles begins or ends the CPU profiles of both.
func (p *pair) profiles(size int, do string) error {
	if p.o.profile == "" {
		return nil
	}
	var errs []error
	for name, x := range map[string]*process{"sender": p.sender, "receiver": p.peer} {
		file := filepath.Join(p.o.profile, fmt.Sprintf("%s-%d-%s.pprof", p.name, size, name))
		_, err := x.ask(request{Do: do, File: file})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// ping takes the round trips of single messages, sorted.
func (p *pair) ping() ([]time.Duration, error) {
	if err := p.peer.each("echo"); err != nil {
		return nil, err
	}
	a, err := p.sender.ask(request{Do: "ping", Size: tunnelMessage, Count: pings})
	slices.Sort(a.Trips)
	return a.Trips, err
}
