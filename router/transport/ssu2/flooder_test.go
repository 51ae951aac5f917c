//go:build linux

package ssu2

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// A floodPlan is what the process of a flooder is told, and floodResult what it says at its end.
type floodPlan struct {
	From, To      netip.AddrPort
	Static, Intro [32]byte // of the victim
	Hash          i2p.Hash
	PerSecond     int
}

type floodResult struct {
	Packets, Bytes, Answers int64
	Seconds                 float64
}

// TestFlooder is no test, but the process that floods: it sends what it is told until its standard input ends.
func TestFlooder(t *testing.T) {
	if flag.NArg() != 1 {
		t.Skip("only as a process of TestFloodFromOneSource")
	}
	var plan floodPlan
	if err := json.Unmarshal([]byte(flag.Arg(0)), &plan); err != nil {
		t.Fatal(err)
	}
	s, err := udp.Listen(plan.From, udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var answers atomic.Int64
	retries := make(chan []byte, 1)
	go func() {
		var packets [udp.BatchSize]udp.Packet
		for {
			n, err := s.Read(packets[:])
			if err != nil {
				return
			}
			answers.Add(int64(n))
			for _, p := range packets[:n] {
				select {
				case retries <- append([]byte(nil), p.Data...):
				default:
				}
			}
		}
	}()
	ended := make(chan struct{})
	go func() {
		os.Stdin.Read(make([]byte, 1))
		close(ended)
	}()
	f := flooder{plan: plan, intro: wire.NewIntro(plan.Intro), static: keys.NewX25519([32]byte{9})}
	trains := f.trains(t, f.token(t, s, retries))
	var r floodResult
	const tick = 2 * time.Millisecond
	start := time.Now()
	for next := 0; ; {
		select {
		case <-ended:
			s.Close()
			r.Seconds, r.Answers = time.Since(start).Seconds(), answers.Load()
			if err := json.NewEncoder(os.NewFile(3, "result")).Encode(r); err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
		// What is behind the plan is sent at once, but not more than 50 ms of it.
		owed := int64(float64(plan.PerSecond)*time.Since(start).Seconds()) - r.Packets
		owed = min(owed, int64(plan.PerSecond/20))
		for owed > 0 {
			n := min(8, len(trains)-next)
			if err := s.Write(trains[next : next+n]); err != nil {
				t.Fatal(err)
			}
			for _, train := range trains[next : next+n] {
				if train.Err == nil {
					k := int64(len(train.Data) / train.Segment)
					r.Packets, r.Bytes, owed = r.Packets+k, r.Bytes+int64(len(train.Data)), owed-k
				}
			}
			next = (next + n) % len(trains)
		}
		time.Sleep(tick)
	}
}

type flooder struct {
	plan   floodPlan
	intro  *wire.Intro
	static keys.X25519Private
}

func (f *flooder) initiator(t *testing.T) *wire.Initiator {
	i, err := wire.NewInitiator(wire.InitiatorConfig{
		NetworkID: testNetwork, SrcID: wire.ConnectionID(rand.Uint64()), DestID: wire.ConnectionID(rand.Uint64()), Static: f.static,
		RemoteStatic: f.plan.Static, RemoteIntro: f.plan.Intro, RemoteHash: f.plan.Hash,
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func timePadded(n int) []byte { return wire.AppendPadding(wire.AppendDateTime(nil, time.Now()), n) }

// token asks the victim for a real one.
func (f *flooder) token(t *testing.T, s *udp.Socket, retries <-chan []byte) wire.Token {
	for range 50 {
		i := f.initiator(t)
		request := i.TokenRequest(timePadded(8))
		if err := s.Write([]udp.Train{{To: f.plan.To, Data: request, Segment: len(request)}}); err != nil {
			t.Fatal(err)
		}
		select {
		case p := <-retries:
			if h, _, err := i.OpenRetry(p); err == nil {
				return h.Token
			}
		case <-time.After(200 * time.Millisecond):
		}
	}
	t.Fatal("no token")
	return 0
}

// trains are rows of packets of one kind and length each. Half are sealed with the intro key, which everybody knows.
func (f *flooder) trains(t *testing.T, token wire.Token) (all []udp.Train) {
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		return b
	}
	session := func(token wire.Token) []byte {
		p, err := f.initiator(t).Request(token, timePadded(8))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	outside := func(typ wire.Type, payload []byte) []byte {
		id := wire.ConnectionID(rand.Uint64())
		return f.intro.Seal(wire.Header{
			DestID: id, SrcID: ^id, Number: rand.Uint32(), Type: typ, Version: 2, NetworkID: testNetwork,
		}, payload)
	}
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	test := wire.NewPeerTest(k.Signing, f.plan.Hash, rand.Uint32(), uint32(time.Now().Unix()), f.plan.From)
	response := wire.NewRelayResponse(k.Signing, f.plan.Hash, wire.AcceptCode, rand.Uint32(), uint32(time.Now().Unix()), f.plan.From, 7)
	kinds := []func() []byte{
		func() []byte { return f.initiator(t).TokenRequest(timePadded(8)) },
		func() []byte { return session(wire.Token(rand.Uint64())) },
		func() []byte { return session(token) },
		func() []byte { // with a good token, but not authentic
			p := session(token)
			p[len(p)-1] ^= 1
			return p
		},
		func() []byte { return outside(wire.PeerTestPacket, test.Append(timePadded(1))) },
		func() []byte { return outside(wire.HolePunch, response.Append(timePadded(1))) },
		func() []byte {
			return outside(wire.PeerTestPacket, wire.AppendBlock(timePadded(1), wire.BlockPeerTest, random(90)))
		},
		func() []byte { return outside(wire.Retry, timePadded(30)) },
		func() []byte { return random(40) },
		func() []byte { return random(100) },
		func() []byte { return random(1400) },
	}
	const perTrain = 40
	for range 8 {
		for _, kind := range kinds {
			train := udp.Train{To: f.plan.To}
			for range perTrain {
				p := kind()
				train.Segment = len(p)
				train.Data = append(train.Data, p...)
			}
			if len(train.Data) != perTrain*train.Segment {
				t.Fatal("packets of one kind differ in length")
			}
			all = append(all, train)
		}
	}
	return all
}
