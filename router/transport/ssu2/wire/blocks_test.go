package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/transport/ssu2/wire"
)

// The bytes are written by hand from the drawings of the specification.
func TestBlocksAreWrittenAsSpecified(t *testing.T) {
	v6 := netip.MustParseAddrPort("[2001:db8::1]:258")
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"DateTime", wire.AppendDateTime(nil, time.Unix(0x65530280, 0)), "00 0004 65530280"},
		{"DateTime, rounded down", wire.AppendDateTime(nil, time.Unix(0x65530280, 499e6)), "00 0004 65530280"},
		{"DateTime, rounded up", wire.AppendDateTime(nil, time.Unix(0x65530280, 500e6)), "00 0004 65530281"},
		{"I2NP", wire.AppendI2NP(nil, []byte{20, 1, 2, 3, 4, 5, 6, 7, 8, 9}), "03 000a 14 01020304 05060708 09"},
		{"FirstFragment", wire.AppendFirstFragment(nil, []byte{20, 1, 2, 3, 4, 5, 6, 7, 8, 9}), "04 000a 14 01020304 05060708 09"},
		{"FollowOnFragment", wire.FollowOnFragment{Number: 3, MessageID: 0x01020304, Data: []byte{9}}.Append(nil), "05 0006 06 01020304 09"},
		{"last FollowOnFragment", wire.FollowOnFragment{Number: 127, Last: true, MessageID: 1, Data: []byte{9}}.Append(nil), "05 0006 ff 00000001 09"},
		{"Termination", wire.AppendTermination(nil, 258, wire.ReasonClockSkew), "06 0009 0000000000000102 07"},
		{"Ack of 10", wire.AppendAck(nil, 10, 0, nil), "0c 0005 0000000a 00"},
		{"Ack of 8 to 10", wire.AppendAck(nil, 10, 2, nil), "0c 0005 0000000a 02"},
		{"Ack with ranges", wire.AppendAck(nil, 10, 2, []wire.AckRange{{1, 2}, {2, 3}}), "0c 0009 0000000a 02 0102 0203"},
		{"Address", wire.AppendAddress(nil, netip.MustParseAddrPort("192.0.2.1:258")), "0d 0006 0102 c0000201"},
		{"Address, IPv6", wire.AppendAddress(nil, v6), "0d 0012 0102 20010db8000000000000000000000001"},
		{"RelayTagRequest", wire.AppendRelayTagRequest(nil), "0f 0000"},
		{"RelayTag", wire.AppendRelayTag(nil, 0x01020304), "10 0004 01020304"},
		{"NewToken", wire.AppendNewToken(nil, 0x0102030405060708, time.Unix(0x65530280, 0)), "11 000c 65530280 0102030405060708"},
		{"PathChallenge", wire.AppendPathChallenge(nil, []byte{1, 2}), "12 0002 0102"},
		{"PathResponse", wire.AppendPathResponse(nil, []byte{1, 2}), "13 0002 0102"},
		{"Congestion", wire.AppendCongestion(nil, wire.CongestionECN), "15 0001 02"},
		{"Padding", wire.AppendPadding(nil, 3), "fe 0003 000000"},
		{"empty Padding", wire.AppendPadding(nil, 0), "fe 0000"},
	} {
		want, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(c.want), []byte(" "), nil)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(c.got, want) {
			t.Errorf("%s: %x, not %x", c.name, c.got, want)
		}
	}
}

func TestAppendPaddingClearsWhatWasThere(t *testing.T) {
	b := bytes.Repeat([]byte{0xff}, 10)
	if got := wire.AppendPadding(b[:1], 6); !bytes.Equal(got, []byte{0xff, 254, 0, 6, 0, 0, 0, 0, 0, 0}) {
		t.Fatalf("%x", got)
	}
}

func types(b wire.Blocks) (all []wire.BlockType) {
	for b.Next() {
		all = append(all, b.Type)
	}
	return all
}

func TestBlockOrder(t *testing.T) {
	dt, term, pad, unknown := wire.AppendDateTime(nil, epoch), wire.AppendTermination(nil, 0, 0), wire.AppendPadding(nil, 2), []byte{200, 0, 1, 9}
	for _, c := range []struct {
		name   string
		blocks [][]byte
		ok     bool
	}{
		{"nothing", nil, true},
		{"only padding", [][]byte{pad}, true},
		{"all in order", [][]byte{dt, unknown, dt, term, pad}, true},
		{"termination last", [][]byte{dt, term}, true},
		{"after padding", [][]byte{dt, pad, dt}, false},
		{"two paddings", [][]byte{pad, pad}, false},
		{"after termination", [][]byte{term, dt}, false},
		{"two terminations", [][]byte{term, term}, false},
		{"termination after padding", [][]byte{pad, term}, false},
		{"half a header", [][]byte{dt, {0, 0}}, false},
		{"a body cut off", [][]byte{dt, dt[:6]}, false},
	} {
		payload := bytes.Join(c.blocks, nil)
		b, err := wire.ParseBlocks(payload)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := types(b); c.ok && len(got) != len(c.blocks) || !c.ok && got != nil {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

type ackRun struct{ first, last uint32 }

func ackRuns(t *testing.T, body []byte) (all []ackRun) {
	t.Helper()
	a, err := wire.ParseAck(body)
	if err != nil {
		t.Fatal(err)
	}
	for first, last, ok := a.Next(); ok; first, last, ok = a.Next() {
		all = append(all, ackRun{first, last})
	}
	return all
}

func TestAckRuns(t *testing.T) {
	for _, c := range []struct {
		name    string
		through uint32
		acks    byte
		ranges  []wire.AckRange
		want    []ackRun
	}{
		{"one", 10, 0, nil, []ackRun{{10, 10}}},
		{"first", 0, 0, nil, []ackRun{{0, 0}}},
		{"last", 1<<32 - 1, 255, nil, []ackRun{{1<<32 - 256, 1<<32 - 1}}},
		{"of the specification", 10, 2, []wire.AckRange{{1, 2}, {2, 3}}, []ackRun{{8, 10}, {5, 6}, {0, 2}}},
		{"more than 255 missing", 600, 0, []wire.AckRange{{255, 0}, {10, 2}}, []ackRun{{600, 600}, {333, 334}}},
		{"more than 256 in a row", 600, 255, []wire.AckRange{{0, 255}, {0, 1}}, []ackRun{{345, 600}, {90, 344}, {89, 89}}},
		{"below zero in the first run", 3, 200, []wire.AckRange{{1, 1}}, []ackRun{{0, 3}}},
		{"below zero in a range", 10, 2, []wire.AckRange{{1, 200}, {1, 1}}, []ackRun{{8, 10}, {0, 6}}},
		{"missing below zero", 10, 2, []wire.AckRange{{200, 1}, {0, 1}}, []ackRun{{8, 10}}},
		{"zero and zero", 10, 2, []wire.AckRange{{0, 0}, {1, 1}}, []ackRun{{8, 10}, {6, 6}}},
	} {
		block := wire.AppendAck(nil, c.through, c.acks, c.ranges)
		got := ackRuns(t, block[wire.BlockHeaderLen:])
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, not %v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, not %v", c.name, got, c.want)
			}
		}
	}
}

func TestMalformedBlocksAreRefused(t *testing.T) {
	parse := map[string]func([]byte) error{
		"DateTime":         func(b []byte) error { _, err := wire.ParseDateTime(b); return err },
		"RouterInfo":       func(b []byte) error { _, _, err := wire.ParseRouterInfo(b); return err },
		"message":          func(b []byte) error { _, err := wire.MessageID(b); return err },
		"FollowOnFragment": func(b []byte) error { _, err := wire.ParseFollowOnFragment(b); return err },
		"Termination":      func(b []byte) error { _, _, err := wire.ParseTermination(b); return err },
		"RelayRequest":     func(b []byte) error { _, err := wire.ParseRelayRequest(b); return err },
		"RelayResponse":    func(b []byte) error { _, err := wire.ParseRelayResponse(b); return err },
		"RelayIntro":       func(b []byte) error { _, err := wire.ParseRelayIntro(b); return err },
		"PeerTest":         func(b []byte) error { _, err := wire.ParsePeerTest(b); return err },
		"Ack":              func(b []byte) error { _, err := wire.ParseAck(b); return err },
		"Address":          func(b []byte) error { _, err := wire.ParseAddress(b); return err },
		"RelayTag":         func(b []byte) error { _, err := wire.ParseRelayTag(b); return err },
		"NewToken":         func(b []byte) error { _, _, err := wire.ParseNewToken(b); return err },
		"Congestion":       func(b []byte) error { _, err := wire.ParseCongestion(b); return err },
	}
	for _, c := range []struct{ block, body string }{
		{"DateTime", "000000"}, {"DateTime", "0000000000"}, {"RouterInfo", "0001"}, {"RouterInfo", "000211"},
		{"RouterInfo", "0201ffff"}, {"message", "140102030405060708"}, {"FollowOnFragment", "0601020304"}, {"FollowOnFragment", "010102030409"},
		{"Termination", "0000000000000000"}, {"RelayRequest", ""}, {"RelayRequest", "00" + "000000010000000200000003" + "02"},
		{"RelayRequest", "00" + "000000010000000200000003" + "02" + "00"}, {"RelayRequest", "00" + "000000010000000200000003" + "02" + "0501020304ff"},
		{"RelayRequest", "00" + "000000010000000200000003" + "02" + "060102c00002"}, {"RelayResponse", "0000000000"}, {"RelayResponse", "000000000001"},
		{"RelayResponse", "00" + "00" + "00000001" + "00000002" + "02" + "00" + "0000000000000001"}, {"RelayResponse", "00" + "00" + "00000001" + "00000002" + "02" + "060102c0000201" + "00"},
		{"RelayIntro", "00"}, {"PeerTest", "0100"}, {"PeerTest", "000000020000000100000002060102c0000201"}, {"PeerTest", "080000020000000100000002060102c0000201"},
		{"PeerTest", "020000020000000100000002060102c0000201"}, {"PeerTest", "01000002000000010000000200"}, {"Ack", "00000001"}, {"Ack", "000000010001"},
		{"Address", "0102c00002"}, {"Address", ""}, {"RelayTag", "00000000"}, {"RelayTag", "000001"}, {"NewToken", "0000000000000000000000"},
		{"Congestion", ""},
	} {
		body, err := hex.DecodeString(c.body)
		if err != nil {
			t.Fatal(err)
		}
		if err := parse[c.block](body); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s %s: %v", c.block, c.body, err)
		}
	}
}

// Java I2P takes more than the 12 bytes of today.
func TestNewTokensMayGrow(t *testing.T) {
	block := wire.AppendNewToken(nil, 7, time.Unix(1e9, 0))
	token, expires, err := wire.ParseNewToken(append(block[wire.BlockHeaderLen:], 1, 2, 3))
	if token != 7 || !expires.Equal(time.Unix(1e9, 0)) || err != nil {
		t.Errorf("%v until %v, %v", token, expires, err)
	}
}

func TestReasonAndTypeNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{wire.ReasonReplaced.String(), "replaced by new session"}, {wire.TerminationReason(99).String(), "reason 99"},
		{wire.BlockCongestion.String(), "Congestion"}, {wire.BlockPadding.String(), "Padding"}, {wire.BlockType(77).String(), "Block(77)"},
		{wire.HolePunch.String(), "HolePunch"}, {wire.Type(3).String(), "Type(3)"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}
