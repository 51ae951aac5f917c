package i2np_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// TestMessagesOfI2pd reads and writes what i2pd writes (testdata/i2pd-messages.txt).
func TestMessagesOfI2pd(t *testing.T) {
	var key i2p.Hash
	for i := range key {
		key[i] = byte(i + 1)
	}
	data := make([]byte, 1024)
	for i := range data {
		data[i] = byte(i * 3)
	}
	at := time.UnixMilli(1700000000123)
	inner := i2np.Header{Type: i2np.TypeData, ID: 0x01020304, Expiration: at}
	small := []byte{10, 17, 24, 31, 38, 45, 52, 59, 66, 73}
	bodies := map[string]i2np.Body{
		"lookup router": i2np.DatabaseLookup{Key: key, From: hashOf(0xf0), LookupType: i2np.LookupRouterInfo},
		"lookup exploratory": i2np.DatabaseLookup{Key: key, From: hashOf(0xf0), LookupType: i2np.LookupExploratory,
			ReplyTunnel: 0x11223344, Excluded: hashes(0xe1)},
		"delivery status": i2np.DeliveryStatus{MessageID: 0x0a0b0c0d, Timestamp: at},
		"tunnel data":     i2np.TunnelData{Tunnel: 0x11223344, Data: data},
		"tunnel gateway":  i2np.TunnelGateway{Tunnel: 0x11223344, Message: inner.AppendStandard(nil, small)},
	}
	file, err := os.ReadFile("testdata/i2pd-messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(file)) {
		name, text, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		wire, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if name == "ntcp2" {
			h, payload, err := i2np.ParseShort(wire)
			if err != nil || h.ID != inner.ID || h.Expiration.Unix() != at.Unix() || !bytes.Equal(payload, small) {
				t.Errorf("%s: %+v %x, %v", name, h, payload, err)
			}
			if got := append(inner.AppendShort(nil), small...); !bytes.Equal(got, wire) {
				t.Errorf("%s: %x, want %x", name, got, wire)
			}
			continue
		}
		h, payload, rest, err := i2np.ParseStandard(wire)
		if err != nil || len(rest) > 0 || h.ID != 0x01020304 || !h.Expiration.Equal(at) {
			t.Errorf("%s: %+v, %v", name, h, err)
			continue
		}
		body, err := parse[h.Type](payload)
		if d := cmp.Diff(bodies[name], body); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", name, err, d)
			continue
		}
		if got := i2np.EncodeStandard(h, body); !bytes.Equal(got, wire) {
			t.Errorf("%s:\n%x, want\n%x", name, got, wire)
		}
	}
	if n != 6 {
		t.Errorf("%d messages", n)
	}
}
