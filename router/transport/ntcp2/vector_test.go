package ntcp2

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// A recording is one session with i2pd: our keys, and all bytes of the wire. Seed is that of our random bytes.
type recording struct {
	Now                               int64
	Seed, Static, SelfHash, PeerHash  hexBytes
	PeerStatic, IV, SelfInfo          hexBytes
	Request, Created, Confirmed, Data hexBytes
	Secret, Ciphertext                hexBytes // of ML-KEM, where we made them: they are not from Seed
}

func recorded(t testing.TB, direction string) (r recording) {
	t.Helper()
	b, err := os.ReadFile("testdata/i2pd-2.45.1.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Inbound, Outbound recording }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if direction == "inbound" {
		return file.Inbound
	}
	return file.Outbound
}

// hybridRecorded are sessions with an i2pd that has the hybrid handshakes; the file says which.
func hybridRecorded(t testing.TB) (all map[mlkem.Params]struct{ Inbound, Outbound recording }) {
	t.Helper()
	b, err := os.ReadFile("testdata/i2pd-2.60-hybrid.json")
	if err != nil {
		t.Fatal(err)
	}
	file := struct{ Handshakes any }{&all}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 {
		t.Fatal("recordings are missing")
	}
	return all
}

// stores returns the keys of the DatabaseStores in a stream of frames.
func stores(t *testing.T, k *directionKeys, stream []byte) (all []i2p.Hash) {
	t.Helper()
	c := newFrameCipher(k)
	for len(stream) > 0 {
		n := c.length(stream)
		payload, err := c.open(stream[lengthLen : lengthLen+n])
		if err != nil {
			t.Fatal(err)
		}
		blocks := blocksOf(payload)
		for blocks.next() {
			if blocks.kind != blockI2NP {
				continue
			}
			_, body, err := i2np.ParseShort(blocks.data)
			if err != nil {
				t.Fatal(err)
			}
			m, err := i2np.ParseDatabaseStore(body)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m.Key)
		}
		if blocks.err != nil {
			t.Fatal(blocks.err)
		}
		stream = stream[lengthLen+n:]
	}
	return all
}

func TestInitiatorReplaysAgainstI2pd(t *testing.T) {
	replayOutbound(t, recorded(t, "outbound"), 77, 0)
}

func TestHybridInitiatorReplaysAgainstI2pd(t *testing.T) {
	for p, v := range hybridRecorded(t) {
		t.Run(p.String(), func(t *testing.T) { replayOutbound(t, v.Outbound, 99, p) })
	}
}

func replayOutbound(t *testing.T, v recording, networkID byte, p mlkem.Params) {
	now := time.Unix(v.Now, 0)
	i, err := newInitiator(initiatorConfig{
		static: keys.NewX25519([32]byte(v.Static)), networkID: networkID, self: v.SelfInfo, responder: i2p.Hash(v.PeerHash),
		peer: keys.X25519Public(v.PeerStatic), iv: [16]byte(v.IV), hybrid: p, random: rand.NewChaCha8([32]byte(v.Seed)),
	})
	if err != nil {
		t.Fatal(err)
	}
	request, err := i.sessionRequest(now)
	if err != nil || !bytes.Equal(request, v.Request) {
		t.Fatalf("SessionRequest: %v\ngot  %x\nwant %x", err, request, v.Request)
	}
	if ahead, err := feedCreated(i, v.Created, now); err != nil || skewed(ahead) {
		t.Fatalf("SessionCreated: %v", err)
	}
	confirmed, err := i.sessionConfirmed()
	if err != nil || !bytes.Equal(confirmed, v.Confirmed) {
		t.Fatalf("SessionConfirmed: %v\ngot  %x\nwant %x", err, confirmed, v.Confirmed)
	}
	k := i.keys()
	if got := stores(t, &k.ba, v.Data); len(got) != 1 || got[0] != i2p.Hash(v.PeerHash) {
		t.Fatalf("stores %v", got)
	}
}

func TestResponderReplaysAgainstI2pd(t *testing.T) {
	replayInbound(t, recorded(t, "inbound"), 77, 0)
}

func TestHybridResponderReplaysAgainstI2pd(t *testing.T) {
	for p, v := range hybridRecorded(t) {
		t.Run(p.String(), func(t *testing.T) { replayInbound(t, v.Inbound, 99, p) })
	}
}

func replayInbound(t *testing.T, v recording, networkID byte, p mlkem.Params) {
	now := time.Unix(v.Now, 0)
	r := newResponder(responderConfig{
		static: keys.NewX25519([32]byte(v.Static)), iv: [16]byte(v.IV), self: i2p.Hash(v.SelfHash), networkID: networkID,
		accept: p, random: rand.NewChaCha8([32]byte(v.Seed)),
		wrap: func(mlkem.Params, []byte) ([32]byte, []byte, error) { return [32]byte(v.Secret), v.Ciphertext, nil },
	})
	if ahead, err := feedRequest(r, v.Request, now); err != nil || skewed(ahead) {
		t.Fatalf("SessionRequest: %v", err)
	}
	created, err := r.sessionCreated(now)
	if err != nil || !bytes.Equal(created, v.Created) {
		t.Fatalf("SessionCreated: %v\ngot  %x\nwant %x", err, created, v.Created)
	}
	if r.confirmedLen() != len(v.Confirmed) {
		t.Fatalf("SessionConfirmed of %d bytes", len(v.Confirmed))
	}
	static, payload, err := r.sessionConfirmed(v.Confirmed)
	if err != nil || static != keys.X25519Public(v.PeerStatic) || payload.routerInfo.Hash() != i2p.Hash(v.PeerHash) {
		t.Fatalf("SessionConfirmed: %v", err)
	}
	if err := payload.routerInfo.Verify(); err != nil {
		t.Fatal(err)
	}
	k := r.keys()
	if got := stores(t, &k.ab, v.Data); len(got) == 0 {
		t.Fatal("no DatabaseStore")
	}
}
