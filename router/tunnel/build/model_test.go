package build

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// hexBytes is bytes in JSON as hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) error {
	d, err := hex.DecodeString(string(b))
	*h = d
	return err
}

// model is testdata/i2pd_model.json; its comment says where it comes from.
type model struct {
	Cases []modelCase
}

type modelCase struct {
	Long, Inbound  bool
	Slots, Minutes int
	Options        hexBytes
	Hops           []struct {
		Priv, Hash, Eph, Next hexBytes
		Recv, NextTunnel, Msg uint32
		Slot, Role            int
		Layer, IV, RK, RIV    hexBytes
		Aead, AD, GK, GT      hexBytes
		Verdict               byte
	}
	Fakes []struct {
		Slot    int
		Content hexBytes
	}
	Messages []hexBytes
}

func loadModel(t testing.TB) (m model) {
	t.Helper()
	b, err := os.ReadFile("testdata/i2pd_model.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func openForm(long bool, payload []byte, own i2p.Hash, private keys.X25519Private) (*Request, error) {
	if long {
		return OpenLong(payload, own, private)
	}
	return OpenShort(payload, own, private)
}

func TestHopSideAgreesWithTheModelOfI2pd(t *testing.T) {
	for n, c := range loadModel(t).Cases {
		for i, h := range c.Hops {
			payload := bytes.Clone(c.Messages[i])
			q, err := openForm(c.Long, payload, i2p.Hash(h.Hash), keys.NewX25519([32]byte(h.Priv)))
			if err != nil {
				t.Fatalf("case %d hop %d: %v", n, i, err)
			}
			if uint32(q.ReceiveTunnel) != h.Recv || uint32(q.NextTunnel) != h.NextTunnel || uint32(q.ReplyMessage) != h.Msg ||
				!bytes.Equal(q.Next[:], h.Next) || int(q.Role) != h.Role || q.slot != h.Slot ||
				q.Expiration != Lifetime || !q.Time.Equal(time.Unix(int64(c.Minutes)*60, 0)) {
				t.Errorf("case %d hop %d: %+v", n, i, q)
			}
			if want := (Bandwidth{Min: 16, Requested: 64}); len(c.Options) > 0 && q.Bandwidth != want {
				t.Errorf("case %d hop %d: bandwidth %+v", n, i, q.Bandwidth)
			}
			k := q.keys
			if !bytes.Equal(k.layer[:], h.Layer) || !bytes.Equal(k.iv[:], h.IV) || !bytes.Equal(k.cover[:], h.RK) ||
				!bytes.Equal(k.reply[:], h.Aead) || !bytes.Equal(k.transcript[:], h.AD) ||
				(c.Long && !bytes.Equal(k.coverIV[:], h.RIV)) {
				t.Errorf("case %d hop %d: keys %x", n, i, k)
			}
			if key, tag, ok := q.ReplyGarlic(); ok != (len(h.GK) > 0) || ok && (!bytes.Equal(key[:], h.GK) || !bytes.Equal(tag[:], h.GT)) {
				t.Errorf("case %d hop %d: garlic %x %x", n, i, key, tag)
			}
			// The own reply has random padding; the other records must come out alike.
			if err := q.Reply(payload, h.Verdict, 0); err != nil {
				t.Fatal(err)
			}
			for s := range c.Slots {
				got, want := q.form.at(payload[1:], s), q.form.at(c.Messages[i+1][1:], s)
				if s != h.Slot && !bytes.Equal(got, want) {
					t.Errorf("case %d hop %d: record %d\n%x, want\n%x", n, i, s, got, want)
				}
			}
		}
	}
}

// creator is the Pending that would have made the message of a case.
func (c *modelCase) creator() *Pending {
	f := shortForm
	if c.Long {
		f = longForm
	}
	p := &Pending{form: f, slots: c.Slots, message: c.Messages[0]}
	for _, h := range c.Hops {
		k := hopKeys{
			transcript: [32]byte(h.AD), reply: [32]byte(h.Aead), cover: [32]byte(h.RK),
			layer: [32]byte(h.Layer), iv: [32]byte(h.IV),
		}
		copy(k.coverIV[:], h.RIV)
		p.hops = append(p.hops, pendingHop{slot: h.Slot, role: Role(h.Role), keys: k})
	}
	for _, f := range c.Fakes {
		p.fakes = append(p.fakes, fake{f.Slot, f.Content})
	}
	return p
}

func TestCreatorReadsTheReplyOfTheModelOfI2pd(t *testing.T) {
	for n, c := range loadModel(t).Cases {
		p := c.creator()
		verdicts, err := p.Reply(bytes.Clone(c.Messages[len(c.Hops)]))
		if err != nil {
			t.Fatalf("case %d: %v", n, err)
		}
		for i, h := range c.Hops {
			if verdicts[i] != h.Verdict {
				t.Errorf("case %d hop %d: verdict %d, want %d", n, i, verdicts[i], h.Verdict)
			}
			if want := uint32(123); len(c.Options) > 0 && h.Verdict == Agreed && p.Available(i) != want {
				t.Errorf("case %d hop %d: offer %d", n, i, p.Available(i))
			}
		}
	}
}

// The creator's message is made from the model's clear records, ephemeral keys and order: it must be the model's.
func TestCreatorMakesTheMessageOfTheModelOfI2pd(t *testing.T) {
	for n, c := range loadModel(t).Cases {
		p := c.creator()
		p.message = make([]byte, len(c.Messages[0]))
		p.message[0] = byte(c.Slots)
		for i, h := range c.Hops {
			// The clear request is what the hop decrypts; its keys are checked above.
			clear := clearRequest(t, p.form, c.Messages[i], h.Slot, h.Priv, h.Eph)
			rec := p.form.at(p.message[1:], h.Slot)
			copy(rec[sealedAt:], clear)
			private := keys.NewX25519([32]byte(h.Priv))
			hop := Hop{Router: i2p.Hash(h.Hash), Static: private.Public(), Role: Role(h.Role)}
			k, err := sealWith(p.form, rec, hop, keys.NewX25519([32]byte(h.Eph)))
			if err != nil {
				t.Fatal(err)
			}
			p.hops[i].keys = k
		}
		for _, f := range c.Fakes {
			copy(p.form.at(p.message[1:], f.Slot), f.Content)
		}
		p.cover()
		if !bytes.Equal(p.message, c.Messages[0]) {
			t.Errorf("case %d: another message", n)
		}
	}
}

func clearRequest(t *testing.T, f *form, payload []byte, slot int, private, ephemeral []byte) []byte {
	t.Helper()
	rec := f.at(payload[1:], slot)
	k := keys.NewX25519([32]byte(private))
	public := k.Public()
	shared, err := k.DH(keys.X25519Public(rec[prefixLen:sealedAt]))
	if err != nil {
		t.Fatal(err)
	}
	s := initial(public[:])
	s.MixHash(rec[prefixLen:sealedAt])
	s.MixKey(shared[:])
	clear, err := s.DecryptAndHash(nil, rec[sealedAt:])
	if err != nil {
		t.Fatal(err)
	}
	return clear
}

// request with a record made by hand, for what New refuses to make.
func craft(t testing.TB, f *form, own router, change func(clear []byte)) []byte {
	t.Helper()
	payload := make([]byte, 1+f.record)
	payload[0] = 1
	rec := f.at(payload[1:], 0)
	clear := rec[sealedAt : sealedAt+f.clear]
	r := request{receiveTunnel: 1, nextTunnel: 2, next: i2p.Hash{9}, time: time.Unix(60, 0), expiration: Lifetime, message: 3}
	r.put(f, clear, i2p.Mapping{})
	change(clear)
	e, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealWith(f, rec, Hop{Router: own.hash, Static: own.private.Public()}, e); err != nil {
		t.Fatal(err)
	}
	return payload
}

type router struct {
	hash    i2p.Hash
	private keys.X25519Private
}

func testRouter() router {
	return router{i2p.Hash{1, 2, 3}, keys.NewX25519([32]byte{4, 5, 6})}
}

func TestRequestsThatBreakTheRulesAreInvalid(t *testing.T) {
	own := testRouter()
	for _, f := range []*form{shortForm, longForm} {
		for name, v := range map[string]struct {
			change func([]byte)
			valid  bool
		}{
			"plain":                 {func([]byte) {}, true},
			"gateway and endpoint":  {func(c []byte) { c[f.flags] = flagGateway | flagEndpoint }, false},
			"unknown flags":         {func(c []byte) { c[f.flags] = 0x3f; c[f.flags+1] = 0xff }, true},
			"receive tunnel 0":      {func(c []byte) { clear(c[:4]) }, false},
			"next tunnel 0":         {func(c []byte) { clear(c[4:8]) }, false},
			"back to us":            {func(c []byte) { copy(c[8:], own.hash[:]) }, false},
			"reply through us":      {func(c []byte) { copy(c[8:], own.hash[:]); c[f.flags] = flagEndpoint }, true},
			"layer encryption":      {func(c []byte) { c[f.flags+3] = 1 }, f.long},
			"options with no end":   {func(c []byte) { c[f.options] = 0xff }, true},
			"options contradictory": {func(c []byte) { copy(c[f.options:], "\x00\x0a\x01m=\x019;\x01r=\x011;") }, true},
		} {
			q, err := openForm(f.long, craft(t, f, own, v.change), own.hash, own.private)
			if (err == nil) != v.valid {
				t.Errorf("%s, long %v: %v", name, f.long, err)
			}
			if q != nil && !q.Bandwidth.IsZero() {
				t.Errorf("%s, long %v: bandwidth %+v", name, f.long, q.Bandwidth)
			}
		}
	}
}

func TestFewRecordsAreTried(t *testing.T) {
	own := testRouter()
	good := craft(t, shortForm, own, func([]byte) {})
	for decoys := range 4 {
		payload := []byte{byte(decoys + 1)}
		for range decoys {
			decoy := bytes.Clone(good[1:])
			decoy[100] ^= 1
			payload = append(payload, decoy...)
		}
		payload = append(payload, good[1:]...)
		_, err := OpenShort(payload, own.hash, own.private)
		if found := err == nil; found != (decoys < maxTries) {
			t.Errorf("%d records of our name that do not open: %v", decoys, err)
		}
	}
}

func TestTypes(t *testing.T) {
	if shortForm.record != sealedAt+shortForm.clear+16 || shortForm.record != shortForm.reply+16 ||
		longForm.record != sealedAt+longForm.clear+16 || longForm.record != longForm.reply+16 {
		t.Error("sizes do not add up")
	}
	if i2np.MaxBuildRecords != MaxHops {
		t.Error("MaxHops is not the number of records of the largest message")
	}
}
