package wire_test

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/cryptotest"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// A hybridRecording is two sessions with an i2pd that has one hybrid handshake, or none.
type hybridRecording struct {
	Version           byte // 2, 3, 4
	Outbound, Inbound recording
}

// hybridRecorded is TestHybridInteropWithI2pd as it once went with i2pd 2.60.
func hybridRecorded(t testing.TB) (file []hybridRecording) {
	t.Helper()
	b, err := os.ReadFile("testdata/i2pd-2.60-hybrid.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file) != len(variants) {
		t.Fatalf("%d recordings", len(file))
	}
	return file
}

func TestHybridInitiatorReplaysAgainstI2pd(t *testing.T) {
	for _, both := range hybridRecorded(t) {
		variant, _ := wire.VariantOf(both.Version)
		t.Run(variant.String(), func(t *testing.T) {
			v := both.Outbound
			i, err := wire.NewInitiator(wire.InitiatorConfig{
				NetworkID: v.NetworkID, Variant: variant, SrcID: wire.ConnectionID(v.SrcID), DestID: wire.ConnectionID(v.DestID),
				Static: keys.NewX25519([32]byte(v.Static)), RemoteStatic: keys.X25519Public(v.PeerStatic), RemoteIntro: wire.IntroKey(v.PeerIntro),
				RemoteHash: i2p.Hash(v.PeerHash), Random: rand.NewChaCha8([32]byte(v.Seed)),
			})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "TokenRequest", i.TokenRequest(v.TokenPayload), v.TokenRequest, nil)
			h, _, err := i.OpenRetry(clone(v.Retry))
			if err != nil || h.Token == 0 || h.Version != both.Version {
				t.Fatalf("Retry: %v, %+v", err, h)
			}
			seedKEM(t, v)
			request, err := i.Request(h.Token, v.RequestPayload)
			same(t, "SessionRequest", request, v.Request, err)
			if want := variant.RequestOverhead() + len(v.RequestPayload); len(request) != want {
				t.Errorf("SessionRequest of %d bytes, want %d", len(request), want)
			}
			h, _, err = i.OpenCreated(clone(v.Created))
			if err != nil || h.Version != both.Version {
				t.Fatalf("SessionCreated: %v, %+v", err, h)
			}
			packets, err := i.Confirmed(v.ConfirmedPayload, wire.MaxPacket)
			if err != nil || len(packets) != len(v.Confirmed) {
				t.Fatalf("%d packets, %v", len(packets), err)
			}
			for n := range packets {
				same(t, "SessionConfirmed", packets[n], v.Confirmed[n], nil)
			}
			if types := openRecorded(t, v, i.SrcID(), i.Keys().Receive); !slices.Contains(types, wire.BlockAck) {
				t.Fatalf("blocks %v", types)
			}
		})
	}
}

func TestHybridResponderReplaysAgainstI2pd(t *testing.T) {
	for _, both := range hybridRecorded(t) {
		variant, _ := wire.VariantOf(both.Version)
		t.Run(variant.String(), func(t *testing.T) {
			v := both.Inbound
			h, _, err := wire.NewIntro(wire.IntroKey(v.Intro)).Open(clone(v.TokenRequest), wire.TokenRequest, v.NetworkID)
			if err != nil || h.Version != both.Version {
				t.Fatalf("TokenRequest: %v, %+v", err, h)
			}
			b := wire.NewResponder(wire.ResponderConfig{
				NetworkID: v.NetworkID, Static: keys.NewX25519([32]byte(v.Static)), Intro: wire.IntroKey(v.Intro), Hash: i2p.Hash(v.SelfHash),
				MLKEM512: true, MLKEM768: true, Random: rand.NewChaCha8([32]byte(v.Seed)),
			})
			if _, _, err := b.OpenRequest(clone(v.Request)); err != nil || b.Variant() != variant {
				t.Fatalf("SessionRequest: %v, %v", err, b.Variant())
			}
			seedKEM(t, v)
			created, err := b.Created(v.CreatedPayload)
			same(t, "SessionCreated", created, v.Created, err)
			var payload []byte
			complete := false
			for _, p := range v.Confirmed {
				if payload, complete, err = b.OpenConfirmed(clone(p)); err != nil {
					t.Fatal(err)
				}
			}
			if !complete || b.RemoteStatic() != keys.X25519Public(v.PeerStatic) {
				t.Fatal("no SessionConfirmed, or of another peer")
			}
			ri, err := confirmedInfo(payload)
			if err != nil {
				t.Fatal(err)
			}
			if err := ri.Verify(); err != nil {
				t.Fatal(err)
			}
			if a := ri.Addresses()[0]; variant != wire.Plain && a.Options.Get("pq") != string('0'+both.Version) {
				t.Errorf("i2pd publishes %v", a.Options)
			}
			if types := openRecorded(t, v, b.SrcID(), b.Keys().Receive); !slices.Contains(types, wire.BlockI2NP) {
				t.Fatalf("blocks %v", types)
			}
		})
	}
}

// seedKEM makes ML-KEM draw what it drew when the session was recorded: it takes no other source than the global one. Should a
// later version of Go draw in another way, the sessions have to be recorded again.
func seedKEM(t *testing.T, v recording) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, binary.BigEndian.Uint64(v.Seed))
}

// confirmedInfo is the RouterInfo of a SessionConfirmed.
func confirmedInfo(payload []byte) (*i2p.RouterInfo, error) {
	blocks, err := wire.ParseBlocks(payload)
	if err != nil {
		return nil, err
	}
	blocks.Next()
	b, _, err := wire.ParseRouterInfo(blocks.Body)
	if err != nil {
		return nil, err
	}
	ri, _, err := i2p.ParseRouterInfo(b)
	return ri, err
}
