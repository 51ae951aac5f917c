package flow

import (
	"bytes"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/transport/ssu2/wire"
)

// An answerer is i2pd 2.45 as the peer of a session that has nothing to say: it answers pings, and acks none of them.
type answerer struct{}

func (answerer) answer(t *testing.T, f *Flow, now time.Time, payload []byte, number uint32) {
	t.Helper()
	blocks, err := wire.ParseBlocks(payload)
	if err != nil {
		t.Fatal(err)
	}
	for blocks.Next() {
		if blocks.Type != wire.BlockPathChallenge {
			continue
		}
		if err := f.Receive(now, number, false, wire.AppendPathResponse(nil, blocks.Body), &others{}); err != nil {
			t.Fatal(err)
		}
	}
}

// others counts the blocks that are not the flow's.
type others struct{ blocks int }

func (o *others) Message(b *buf.Buf) { b.Release() }
func (o *others) Block(wire.BlockType, []byte) error {
	o.blocks++
	return nil
}

// TestAnswersToPingsAreAcks has a session that only pings outlive the time after which a peer that acks nothing is dead.
func TestAnswersToPingsAreAcks(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	f := New(Config{Now: now, Initiator: true, Discover: true, MTU: FloorMTU})
	defer f.Close()
	var peer answerer
	payload := make([]byte, f.MaxPayloadSize())
	pings := 0
	for numbers := uint32(1); pings < 10; {
		f.Ping(now)
		for {
			_, n, _, ok := f.Fill(now, payload[:f.MaxPayloadSize()])
			if !ok {
				break
			}
			pings++
			now = now.Add(20 * time.Millisecond)
			peer.answer(t, f, now, payload[:n], numbers)
			numbers++
		}
		if err := f.Failed(now); err != nil {
			t.Fatalf("after %d pings: %v", pings, err)
		}
		now = now.Add(20 * time.Second)
	}
	if !f.Idle() {
		t.Error("pings that were answered still wait for acks")
	}
	if rtt := f.Stats().SRTT; rtt < 15*time.Millisecond || rtt > 40*time.Millisecond {
		t.Errorf("round trip time %v", rtt)
	}
}

// TestBlocksThatAreNotAcked: where packets with a block are never acked, and only pings are answered, few copies of it go out and the session lives on.
func TestBlocksThatAreNotAcked(t *testing.T) {
	for _, mtu := range []int{0, 1500} {
		now := time.Unix(1_700_000_000, 0)
		end := now.Add(40 * time.Second)
		f := New(Config{Now: now, Initiator: true, MTU: mtu})
		block := wire.AppendBlock(nil, wire.BlockRelayResponse, make([]byte, 100))
		if !f.Control(now, block, true) {
			t.Fatal("no room")
		}
		var peer answerer
		var sent [][]byte
		copies := 0
		for numbers := uint32(1); now.Before(end); now = now.Add(time.Millisecond) {
			for _, p := range sent {
				peer.answer(t, f, now, p, numbers)
				numbers++
			}
			sent = nil
			for {
				payload := make([]byte, f.MaxPayloadSize())
				_, n, _, ok := f.Fill(now, payload)
				if !ok {
					break
				}
				if bytes.Contains(payload[:n], block) {
					copies++
				}
				sent = append(sent, payload[:n])
			}
			if err := f.Failed(now); err != nil {
				t.Fatalf("MTU %d: %v", mtu, err)
			}
		}
		if copies < 2 || copies > 4 {
			t.Errorf("MTU %d: %d copies", mtu, copies)
		}
		if !f.Idle() {
			t.Errorf("MTU %d: still waits for an ack", mtu)
		}
		f.Close()
	}
}

// TestOnlyAnswersToOurPingsAreAcks: a peer cannot make up the answer to a ping.
func TestOnlyAnswersToOurPingsAreAcks(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	f := New(Config{Now: now, Initiator: true, Seed: 7})
	defer f.Close()
	f.Ping(now)
	payload := make([]byte, f.MaxPayloadSize())
	if _, _, _, ok := f.Fill(now, payload); !ok {
		t.Fatal("no ping")
	}
	var others others
	forged := []byte{0, 0, 0, 1, 1, 2, 3, 4}
	if err := f.Receive(now, 1, false, wire.AppendPathResponse(nil, forged), &others); err != nil {
		t.Fatal(err)
	}
	if f.Idle() || others.blocks != 1 {
		t.Errorf("idle %t, %d blocks for the caller", f.Idle(), others.blocks)
	}
}
