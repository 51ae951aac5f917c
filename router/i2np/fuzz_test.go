package i2np_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clove.i2p/router/i2np"
)

// fuzzBody checks that what is parsed parses from its own bytes to the same again.
func fuzzBody(f *testing.F, typ i2np.Type) {
	for _, c := range layouts {
		if c.body.Type() == typ {
			f.Add(raw(f, c.wire))
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		m, err := parse[typ](wire)
		if err != nil {
			return
		}
		again, err := parse[typ](m.Append(nil))
		if err != nil {
			t.Fatalf("own bytes refused: %v", err)
		}
		if d := cmp.Diff(m, again); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzDatabaseStore(f *testing.F) {
	f.Add(i2np.DatabaseStore{Data: []byte("router info")}.Append(nil))
	fuzzBody(f, i2np.TypeDatabaseStore)
}
func FuzzDatabaseLookup(f *testing.F)           { fuzzBody(f, i2np.TypeDatabaseLookup) }
func FuzzDatabaseSearchReply(f *testing.F)      { fuzzBody(f, i2np.TypeDatabaseSearchReply) }
func FuzzDeliveryStatus(f *testing.F)           { fuzzBody(f, i2np.TypeDeliveryStatus) }
func FuzzGarlic(f *testing.F)                   { fuzzBody(f, i2np.TypeGarlic) }
func FuzzTunnelData(f *testing.F)               { fuzzBody(f, i2np.TypeTunnelData) }
func FuzzTunnelGateway(f *testing.F)            { fuzzBody(f, i2np.TypeTunnelGateway) }
func FuzzData(f *testing.F)                     { fuzzBody(f, i2np.TypeData) }
func FuzzVariableTunnelBuild(f *testing.F)      { fuzzBody(f, i2np.TypeVariableTunnelBuild) }
func FuzzVariableTunnelBuildReply(f *testing.F) { fuzzBody(f, i2np.TypeVariableTunnelBuildReply) }
func FuzzShortTunnelBuild(f *testing.F)         { fuzzBody(f, i2np.TypeShortTunnelBuild) }
func FuzzOutboundTunnelBuildReply(f *testing.F) { fuzzBody(f, i2np.TypeOutboundTunnelBuildReply) }

func FuzzInflateRouterInfo(f *testing.F) {
	f.Add(i2np.DeflateRouterInfo(nil, []byte("router info")))
	f.Fuzz(func(t *testing.T, zipped []byte) {
		info, err := i2np.InflateRouterInfo(zipped)
		if err != nil {
			return
		}
		again, err := i2np.InflateRouterInfo(i2np.DeflateRouterInfo(nil, info))
		if err != nil || !bytes.Equal(info, again) || len(info) > i2np.MaxRouterInfo {
			t.Fatalf("%d bytes, %v", len(info), err)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add(raw(f, "0a 01020304 5f5e1000 aabb"))
	f.Add(append(raw(f, "0b 01020304 00000177fde12345 0002"), checksum([]byte{1, 2}), 1, 2))
	f.Fuzz(func(t *testing.T, wire []byte) {
		if h, payload, err := i2np.ParseShort(wire); err == nil {
			if again := append(h.AppendShort(nil), payload...); !bytes.Equal(again, wire) {
				t.Fatalf("%x became %x", wire, again)
			}
		}
		if h, payload, rest, err := i2np.ParseStandard(wire); err == nil {
			if again := append(h.AppendStandard(nil, payload), rest...); !bytes.Equal(again, wire) {
				t.Fatalf("%x became %x", wire, again)
			}
		}
	})
}
