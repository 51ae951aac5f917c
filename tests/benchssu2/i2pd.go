//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"clove.i2p/tests/bench"
	"clove.i2p/tests/interop"
	"clove.i2p/tests/netns"
)

// Where the i2pd that only receives is.
const (
	i2pdHost    = 100
	i2pdPort    = 9200
	consolePort = 7070
)

// toI2pd pushes tunnel messages from clove to i2pd, which knows no such tunnel: what SSU2 costs the receiver, and a little more.
func (r *results) toI2pd(ctx context.Context, o options, program string) (err error) {
	dir, err := os.MkdirTemp(o.dir, "i2pd-")
	if err != nil {
		return err
	}
	at := netip.AddrPortFrom(netns.Host(i2pdHost), i2pdPort)
	router := interop.NewI2pd(program, dir, at, consolePort, []string{interop.SSU2})
	router.LogLevel = "error" // it warns of each message
	if err := router.SetTunnels(); err != nil {
		return err
	}
	if err := router.Start(ctx, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, router.Stop()) }()
	info, err := os.ReadFile(router.RouterInfoFile())
	if err != nil {
		return err
	}
	sender, err := startPeer(filepath.Join(o.dir, "i2pd-sender.log"), "auto", 1, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sender.stop()) }()
	if _, err := sender.ask(request{Do: "dial", Infos: [][]byte{info}}); err != nil {
		return fmt.Errorf("dial i2pd: %w", err)
	}
	if _, err := sender.ask(request{Do: "push", Size: tunnelMessage}); err != nil {
		return err
	}
	if err := bench.Sleep(ctx, warmUp); err != nil {
		return err
	}
	u0, err := netns.UDP()
	if err != nil {
		return err
	}
	s0, err0 := sender.counts()
	c0, err1 := bench.UsageOf(router.PID())
	if err := errors.Join(err0, err1, bench.Sleep(ctx, o.time)); err != nil {
		return err
	}
	s1, err0 := sender.counts()
	c1, err1 := bench.UsageOf(router.PID())
	u1, err2 := netns.UDP()
	messages := float64(s1.Acked) - float64(s0.Acked)
	name := bench.I2pdVersion(program)
	r.i2pd[name] = append(r.i2pd[name], sample{
		MB: messages * tunnelMessage / mega, Seconds: s1.At.Sub(s0.At).Seconds(), Packets: float64(s1.Sent - s0.Sent),
		Acks: float64(s1.Received - s0.Received), Messages: messages, Lost: float64(u1.Lost - u0.Lost),
		Send: s1.CPU - s0.CPU, Receive: c1.CPU - c0.CPU, Writes: float64(s1.Writes - s0.Writes),
	})
	return errors.Join(err0, err1, err2)
}
