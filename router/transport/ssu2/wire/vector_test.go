package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func clone(b []byte) []byte { return bytes.Clone(b) }

// A recording is one session with i2pd: our keys, and all packets. Seed is that of our random bytes.
type recording struct {
	NetworkID                         byte
	Seed, Static, Intro, SelfHash     hexBytes
	PeerStatic, PeerIntro, PeerHash   hexBytes
	SrcID, DestID                     uint64
	TokenPayload, TokenRequest, Retry hexBytes
	RequestPayload, Request           hexBytes
	CreatedPayload, Created           hexBytes
	ConfirmedPayload                  hexBytes
	Confirmed                         []hexBytes
	Data                              []hexBytes // from i2pd
}

// recorded is TestInteropWithI2pd as it once went with i2pd 2.45.1. The expected bytes are i2pd's wherever it was the sender;
// ours it understood.
func recorded(t testing.TB) (file struct{ Outbound, Inbound recording }) {
	t.Helper()
	b, err := os.ReadFile("testdata/i2pd-2.45.1.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// same fails unless got is what was recorded.
func same(t *testing.T, what string, got, want []byte, err error) {
	t.Helper()
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s: %v\ngot  %x\nwant %x", what, err, got, want)
	}
}

// openRecorded opens the data packets of i2pd and returns the block types of all.
func openRecorded(t *testing.T, v recording, self wire.ConnectionID, k wire.DirectionKeys) (types []wire.BlockType) {
	t.Helper()
	own, open := wire.NewHeaderKey(wire.IntroKey(v.Intro)), wire.NewOpener(k)
	for n, packet := range v.Data {
		id, ok := wire.DestID(packet, own)
		if !ok || id != self {
			t.Fatalf("data %d for %x", n, id)
		}
		_, _, payload, err := open.Open(clone(packet), id)
		if err != nil {
			t.Fatalf("data %d: %v", n, err)
		}
		blocks, err := wire.ParseBlocks(payload)
		if err != nil {
			t.Fatal(err)
		}
		for blocks.Next() {
			types = append(types, blocks.Type)
		}
	}
	return types
}

func TestInitiatorReplaysAgainstI2pd(t *testing.T) {
	v := recorded(t).Outbound
	i, err := wire.NewInitiator(wire.InitiatorConfig{
		NetworkID: v.NetworkID, SrcID: wire.ConnectionID(v.SrcID), DestID: wire.ConnectionID(v.DestID), Static: keys.NewX25519([32]byte(v.Static)),
		RemoteStatic: keys.X25519Public(v.PeerStatic), RemoteIntro: wire.IntroKey(v.PeerIntro), Random: rand.NewChaCha8([32]byte(v.Seed)),
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "TokenRequest", i.TokenRequest(v.TokenPayload), v.TokenRequest, nil)
	h, payload, err := i.OpenRetry(clone(v.Retry))
	if err != nil || h.Token == 0 || h.Version != 2 || payload[0] != byte(wire.BlockDateTime) {
		t.Fatalf("Retry: %v, %+v", err, h)
	}
	request, err := i.Request(h.Token, v.RequestPayload)
	same(t, "SessionRequest", request, v.Request, err)
	if _, _, err := i.OpenCreated(clone(v.Created)); err != nil {
		t.Fatalf("SessionCreated: %v", err)
	}
	packets, err := i.Confirmed(v.ConfirmedPayload, wire.MaxPacket)
	if err != nil || len(packets) != len(v.Confirmed) || len(packets) != 2 {
		t.Fatalf("%d packets, %v", len(packets), err)
	}
	for n := range packets {
		same(t, "SessionConfirmed", packets[n], v.Confirmed[n], nil)
	}
	types := openRecorded(t, v, i.SrcID(), i.Keys().Receive)
	if !slices.Contains(types, wire.BlockAck) || !slices.Contains(types, wire.BlockPadding) {
		t.Fatalf("blocks %v", types)
	}
}

func TestResponderReplaysAgainstI2pd(t *testing.T) {
	v := recorded(t).Inbound
	_, payload, err := wire.NewIntro(wire.IntroKey(v.Intro)).Open(clone(v.TokenRequest), wire.TokenRequest, v.NetworkID)
	if err != nil || payload[0] != byte(wire.BlockDateTime) {
		t.Fatalf("TokenRequest: %v", err)
	}
	b := wire.NewResponder(wire.ResponderConfig{
		NetworkID: v.NetworkID, Static: keys.NewX25519([32]byte(v.Static)), Intro: wire.IntroKey(v.Intro), Hash: i2p.Hash(v.SelfHash),
		Random: rand.NewChaCha8([32]byte(v.Seed)),
	})
	if _, _, err := b.OpenRequest(clone(v.Request)); err != nil {
		t.Fatalf("SessionRequest: %v", err)
	}
	created, err := b.Created(v.CreatedPayload)
	same(t, "SessionCreated", created, v.Created, err)
	payload, complete, err := b.OpenConfirmed(clone(v.Confirmed[0]))
	if err != nil || !complete {
		t.Fatalf("SessionConfirmed: %v", err)
	}
	if b.RemoteStatic() != keys.X25519Public(v.PeerStatic) {
		t.Fatal("another static key")
	}
	blocks, _ := wire.ParseBlocks(payload)
	blocks.Next()
	info, _, err := wire.ParseRouterInfo(blocks.Body)
	if err != nil {
		t.Fatal(err)
	}
	ri, _, err := i2p.ParseRouterInfo(info)
	if err != nil {
		t.Fatal(err)
	}
	if err := ri.Verify(); err != nil {
		t.Fatal(err)
	}
	if types := openRecorded(t, v, b.SrcID(), b.Keys().Receive); !slices.Contains(types, wire.BlockI2NP) {
		t.Fatalf("blocks %v", types)
	}
}
