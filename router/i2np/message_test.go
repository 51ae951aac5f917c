package i2np_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clove.i2p/router/i2np"
)

// parse runs the parser of a type and gives the body as interface.
var parse = map[i2np.Type]func([]byte) (i2np.Body, error){
	i2np.TypeDatabaseStore:            func(b []byte) (i2np.Body, error) { return i2np.ParseDatabaseStore(b) },
	i2np.TypeDatabaseLookup:           func(b []byte) (i2np.Body, error) { return i2np.ParseDatabaseLookup(b) },
	i2np.TypeDatabaseSearchReply:      func(b []byte) (i2np.Body, error) { return i2np.ParseDatabaseSearchReply(b) },
	i2np.TypeDeliveryStatus:           func(b []byte) (i2np.Body, error) { return i2np.ParseDeliveryStatus(b) },
	i2np.TypeGarlic:                   func(b []byte) (i2np.Body, error) { return i2np.ParseGarlic(b) },
	i2np.TypeTunnelData:               func(b []byte) (i2np.Body, error) { return i2np.ParseTunnelData(b) },
	i2np.TypeTunnelGateway:            func(b []byte) (i2np.Body, error) { return i2np.ParseTunnelGateway(b) },
	i2np.TypeData:                     func(b []byte) (i2np.Body, error) { return i2np.ParseData(b) },
	i2np.TypeVariableTunnelBuild:      func(b []byte) (i2np.Body, error) { return i2np.ParseVariableTunnelBuild(b) },
	i2np.TypeVariableTunnelBuildReply: func(b []byte) (i2np.Body, error) { return i2np.ParseVariableTunnelBuildReply(b) },
	i2np.TypeShortTunnelBuild:         func(b []byte) (i2np.Body, error) { return i2np.ParseShortTunnelBuild(b) },
	i2np.TypeOutboundTunnelBuildReply: func(b []byte) (i2np.Body, error) { return i2np.ParseOutboundTunnelBuildReply(b) },
}

// layouts are written by hand from the drawings of i2np.md. A RouterInfo is not among them: its compressed form is
// not unique (TestRouterInfo...).
var layouts = []struct {
	name string
	wire string
	body i2np.Body
}{
	{"lease set 2, no reply", "11*32 03 00000000 cafe",
		i2np.DatabaseStore{Key: hashOf(0x11), StoreType: i2np.StoreLeaseSet2, Data: []byte{0xca, 0xfe}}},
	{"lease set, reply through a tunnel", "11*32 01 00000007 00000009 22*32 cafe",
		i2np.DatabaseStore{Key: hashOf(0x11), StoreType: i2np.StoreLeaseSet, ReplyToken: 7, ReplyTunnel: 9, ReplyGateway: hashOf(0x22), Data: []byte{0xca, 0xfe}}},
	{"encrypted lease set, direct reply", "11*32 05 00000007 00000000 22*32 cafe",
		i2np.DatabaseStore{Key: hashOf(0x11), StoreType: i2np.StoreEncryptedLeaseSet, ReplyToken: 7, ReplyGateway: hashOf(0x22), Data: []byte{0xca, 0xfe}}},
	{"meta lease set", "11*32 07 00000000 cafe",
		i2np.DatabaseStore{Key: hashOf(0x11), StoreType: i2np.StoreMetaLeaseSet, Data: []byte{0xca, 0xfe}}},
	{"router lookup, direct", "11*32 22*32 08 0000",
		i2np.DatabaseLookup{Key: hashOf(0x11), From: hashOf(0x22), LookupType: i2np.LookupRouterInfo}},
	{"exploratory lookup, reply through a tunnel, excluded", "11*32 22*32 0d 00000009 0002 33*32 44*32",
		i2np.DatabaseLookup{Key: hashOf(0x11), From: hashOf(0x22), LookupType: i2np.LookupExploratory, ReplyTunnel: 9, Excluded: hashes(0x33, 0x44)}},
	{"lease set lookup, encrypted reply", "11*32 22*32 15 00000009 0001 33*32 55*32 01 66*8",
		i2np.DatabaseLookup{Key: hashOf(0x11), From: hashOf(0x22), LookupType: i2np.LookupLeaseSet, ReplyTunnel: 9, Excluded: hashes(0x33),
			ReplyKey: i2np.ReplyKey(hashOf(0x55)), ReplyTags: []i2np.ReplyTag{{0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66}}}},
	{"search reply", "11*32 02 33*32 44*32 22*32",
		i2np.DatabaseSearchReply{Key: hashOf(0x11), Peers: hashes(0x33, 0x44), From: hashOf(0x22)}},
	{"empty search reply", "11*32 00 22*32", i2np.DatabaseSearchReply{Key: hashOf(0x11), From: hashOf(0x22)}},
	{"delivery status", "00000007 00000177fde12345", i2np.DeliveryStatus{MessageID: 7, Timestamp: time.UnixMilli(0x177fde12345)}},
	{"garlic", "00000003 aabbcc", i2np.Garlic{Data: []byte{0xaa, 0xbb, 0xcc}}},
	{"data", "00000002 aabb", i2np.Data{Data: []byte{0xaa, 0xbb}}},
	{"tunnel data", "00000009 aa*1024", i2np.TunnelData{Tunnel: 9, Data: bytes.Repeat([]byte{0xaa}, 1024)}},
	{"tunnel gateway", "00000009 0011 0a*16 bb", i2np.TunnelGateway{Tunnel: 9, Message: append(bytes.Repeat([]byte{10}, 16), 0xbb)}},
	{"variable tunnel build", "02 aa*1056", i2np.VariableTunnelBuild{Records: bytes.Repeat([]byte{0xaa}, 2*528)}},
	{"variable tunnel build reply", "08 aa*4224", i2np.VariableTunnelBuildReply{Records: bytes.Repeat([]byte{0xaa}, 8*528)}},
	{"short tunnel build", "04 aa*872", i2np.ShortTunnelBuild{Records: bytes.Repeat([]byte{0xaa}, 4*218)}},
	{"outbound tunnel build reply", "01 aa*218", i2np.OutboundTunnelBuildReply{Records: bytes.Repeat([]byte{0xaa}, 218)}},
}

func TestLayouts(t *testing.T) {
	for _, c := range layouts {
		t.Run(c.name, func(t *testing.T) {
			wire := raw(t, c.wire)
			got, err := parse[c.body.Type()](wire)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.body, got); d != "" {
				t.Fatal(d)
			}
			if again := got.Append(nil); !bytes.Equal(again, wire) {
				t.Fatalf("appends\n%x, want\n%x", again, wire)
			}
			for n := range wire {
				if got, err := parse[c.body.Type()](wire[:n]); err == nil && !cutIsFine(c.body, n) {
					t.Fatalf("%d of %d bytes taken as %+v", n, len(wire), got)
				}
			}
			if _, err := parse[c.body.Type()](append(wire, 0)); err == nil && c.body.Type() != i2np.TypeDatabaseStore {
				t.Fatal("trailing byte taken")
			}
		})
	}
}

// cutIsFine: the lease set is the rest of a DatabaseStore, whatever its length.
func cutIsFine(body i2np.Body, n int) bool {
	return body.Type() == i2np.TypeDatabaseStore && n >= 37
}

func TestImpossibleValuesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		typ  i2np.Type
		wire string
	}{
		"store type 9":                     {i2np.TypeDatabaseStore, "11*32 09 00000000 cafe"},
		"store type 2":                     {i2np.TypeDatabaseStore, "11*32 02 00000000 cafe"},
		"lease set too long":               {i2np.TypeDatabaseStore, "11*32 03 00000000 00*4097"},
		"router info that is no gzip":      {i2np.TypeDatabaseStore, "11*32 00 00000000 0002 cafe"},
		"reply tunnel 0":                   {i2np.TypeDatabaseLookup, "11*32 22*32 09 00000000 0000"},
		"513 excluded":                     {i2np.TypeDatabaseLookup, "11*32 22*32 08 0201 33*16416"},
		"no tags":                          {i2np.TypeDatabaseLookup, "11*32 22*32 18 0000 55*32 00"},
		"33 tags":                          {i2np.TypeDatabaseLookup, "11*32 22*32 18 0000 55*32 21 66*264"},
		"garlic length beyond":             {i2np.TypeGarlic, "ffffffff aabbcc"},
		"tunnel id 0":                      {i2np.TypeTunnelData, "00000000 aa*1024"},
		"gateway to tunnel 0":              {i2np.TypeTunnelGateway, "00000000 0011 0a*16 bb"},
		"gateway message without a header": {i2np.TypeTunnelGateway, "00000009 000f 0a*15"},
		"no records":                       {i2np.TypeShortTunnelBuild, "00"},
		"9 records":                        {i2np.TypeShortTunnelBuild, "09 aa*1962"},
		"9 long records":                   {i2np.TypeVariableTunnelBuild, "09 aa*4752"},
	} {
		if got, err := parse[c.typ](raw(t, c.wire)); err == nil {
			t.Errorf("%s: taken as %+v", name, got)
		}
	}
}

func TestElGamalReplyIsTold(t *testing.T) {
	for _, flags := range []string{"0a", "1a"} {
		_, err := i2np.ParseDatabaseLookup(raw(t, "11*32 22*32 "+flags+" 0000 55*32 01 66*32"))
		if !errors.Is(err, i2np.ErrReplyEncryption) {
			t.Errorf("flags %s: %v", flags, err)
		}
	}
}

func TestReservedBitsAreIgnored(t *testing.T) {
	if m, err := i2np.ParseDatabaseStore(raw(t, "11*32 f3 00000000 cafe")); err != nil || m.StoreType != i2np.StoreLeaseSet2 {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err := i2np.ParseDatabaseLookup(raw(t, "11*32 22*32 e8 0000")); err != nil || m.LookupType != i2np.LookupRouterInfo {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestRouterInfoIsCompressedAsEverybodyDoes(t *testing.T) {
	info := []byte(strings.Repeat("router info ", 100))
	wire := i2np.DatabaseStore{Key: hashOf(0x11), ReplyToken: 7, ReplyGateway: hashOf(0x22), Data: info}.Append(nil)
	at := 32 + 1 + 4 + 4 + 32
	if !bytes.Equal(wire[at+2:at+12], raw(t, "1f8b080000000000 02ff")) {
		t.Fatalf("gzip header %x", wire[at+2:at+12])
	}
	if size := int(wire[at])<<8 | int(wire[at+1]); size != len(wire)-at-2 {
		t.Fatalf("size %d of %d", size, len(wire)-at-2)
	}
	m, err := i2np.ParseDatabaseStore(wire)
	if err != nil || !bytes.Equal(m.Data, info) {
		t.Fatal(err)
	}
	if _, err := i2np.ParseDatabaseStore(append(wire, 0)); err == nil {
		t.Fatal("trailing byte taken")
	}
}

func TestStoredGzipIsTaken(t *testing.T) { // i2pd does not compress small ones
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "router info")
	w.Close()
	if got, err := i2np.InflateRouterInfo(out.Bytes()); err != nil || string(got) != "router info" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestInflateIsBounded(t *testing.T) {
	full := bytes.Repeat([]byte{'a'}, i2np.MaxRouterInfo)
	if got, err := i2np.InflateRouterInfo(i2np.DeflateRouterInfo(nil, full)); err != nil || !bytes.Equal(got, full) {
		t.Fatalf("the largest: %v", err)
	}
	if _, err := i2np.InflateRouterInfo(i2np.DeflateRouterInfo(nil, make([]byte, 10<<20))); !errors.Is(err, i2np.ErrTooLarge) {
		t.Fatalf("a bomb: %v", err)
	}
	good := i2np.DeflateRouterInfo(nil, []byte("router info"))
	for n := range good {
		if _, err := i2np.InflateRouterInfo(good[:n]); err == nil {
			t.Fatalf("%d of %d bytes taken", n, len(good))
		}
	}
	bad := bytes.Clone(good)
	bad[len(bad)-8]++
	if _, err := i2np.InflateRouterInfo(bad); err == nil {
		t.Fatal("wrong CRC taken")
	}
	if _, err := i2np.InflateRouterInfo(append(good, good...)); err == nil {
		t.Fatal("a second member taken")
	}
}

func TestEncode(t *testing.T) {
	now := time.Unix(1700000000, 0)
	body := i2np.Garlic{Data: []byte("data")}
	h, payload, err := i2np.ParseShort(i2np.Encode(i2np.NewHeader(0, now), body))
	if err != nil || h.Type != i2np.TypeGarlic || h.ID == 0 || !h.Expiration.Equal(now.Add(i2np.Lifetime)) {
		t.Fatalf("%+v, %v", h, err)
	}
	std, p, rest, err := i2np.ParseStandard(i2np.EncodeStandard(h, body))
	if err != nil || std != h || !bytes.Equal(p, payload) || len(rest) != 0 {
		t.Fatalf("%+v, %v", std, err)
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	m := i2np.DatabaseLookup{ReplyKey: i2np.ReplyKey(hashOf(0x55))}
	for _, s := range []string{fmt.Sprintf("%v", m), fmt.Sprintf("%+v", m), fmt.Sprintf("%#v", m)} {
		if strings.Contains(s, "85 85") || strings.Contains(s, "0x55, 0x55") {
			t.Error(s)
		}
	}
}
