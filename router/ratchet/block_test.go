package ratchet_test

import (
	"bytes"
	"testing"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/ratchet"
)

func TestCheckPayload(t *testing.T) {
	date := ratchet.AppendDateTime(nil, epoch)
	key := ratchet.NextKey{Present: true, Request: true, Key: keys.X25519Public{9}}.Append(nil)
	ack := ratchet.AppendAck(nil, []ratchet.MessageNumber{{TagSet: 1, N: 2}})
	pad := ratchet.AppendPadding(nil, 3)
	end := ratchet.AppendTermination(nil, 0)
	unknown := ratchet.Block{Type: 200, Data: []byte{1}}.Append(nil)
	join := func(b ...[]byte) []byte { return bytes.Join(b, nil) }
	ns, nsr, es := ratchet.NewSession, ratchet.NewSessionReply, ratchet.ExistingSession
	for _, tc := range []struct {
		name    string
		kind    ratchet.Kind
		payload []byte
		ok      bool
	}{
		{"empty", es, nil, true},
		{"empty reply", nsr, nil, true},
		{"all", es, join(clove("x"), key, key, ack, ratchet.AppendAckRequest(nil), unknown, end, pad), true},
		{"new session", ns, join(date, clove("x"), pad), true},
		{"router", ratchet.Router, join(date, clove("x")), true},
		{"date missing", ratchet.Router, clove("x"), false},
		{"date in reply", nsr, join(date, clove("x")), true},
		{"padding first", es, join(pad, clove("x")), false},
		{"two paddings", es, join(pad, pad), false},
		{"block behind termination", es, join(end, clove("x")), false},
		{"key in new session", ns, join(date, key), false},
		{"key in reply", nsr, key, false},
		{"cut", es, clove("x")[:3], false},
		{"cut header", es, append(clove("x"), 0, 0), false},
		{"long date", es, []byte{0, 0, 5, 0, 0, 0, 0, 0}, false},
		{"short key", es, []byte{7, 0, 3, 1, 0, 0}, false},
		{"key id too large", es, []byte{7, 0, 3, 0, 0x80, 0}, false},
		{"reverse request", es, []byte{7, 0, 3, 6, 0, 0}, false},
		{"ack of nothing", es, []byte{8, 0, 0}, false},
		{"odd ack", es, []byte{8, 0, 5, 0, 0, 0, 0, 0}, false},
		{"empty termination", es, []byte{4, 0, 0}, false},
		{"message number", es, []byte{6, 0, 2, 0, 9}, true},
		{"short message number", es, []byte{6, 0, 1, 9}, false},
		{"64 cloves", es, bytes.Repeat(clove("x"), 64), true},
		{"65 cloves", es, bytes.Repeat(clove("x"), 65), false},
		{"128 blocks", es, bytes.Repeat(unknown, 128), true},
		{"129 blocks", es, bytes.Repeat(unknown, 129), false},
	} {
		if err := ratchet.CheckPayload(tc.kind, tc.payload, epoch); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestAcknowledgementsAreBounded(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, sb := pair(t, a, b, epoch)
	for range 100 {
		carry(t, sa, b, epoch, ratchet.AppendAckRequest(nil))
	}
	if p := sb.Control(nil, 40, 0, epoch); len(p) > 40 || len(p) == 0 {
		t.Errorf("%d bytes of acknowledgements in 40", len(p))
	}
	total := 0
	for p := sb.Control(nil, 40, 0, epoch); len(p) > 0; p = sb.Control(nil, 40, 0, epoch) {
		if total += len(p); total > 200 {
			t.Fatal("acknowledges forever")
		}
	}
	if p := sb.Control(nil, 2, 0, epoch); len(p) != 0 {
		t.Errorf("%d bytes in 2", len(p))
	}
}

func TestProbeAsksASilentPeer(t *testing.T) {
	a, b := newSide(t, ratchet.Options{}), newSide(t, ratchet.Options{})
	sa, sb := pair(t, a, b, epoch)
	now := epoch.Add(31 * time.Second)
	probe := sa.Control(nil, 100, 0, now)
	if !bytes.Equal(probe, ratchet.AppendAckRequest(nil)) {
		t.Fatalf("control %x", probe)
	}
	carry(t, sa, b, now, probe)
	if p := sa.Control(nil, 100, 0, now.Add(time.Second)); len(p) != 0 {
		t.Errorf("probes again: %x", p)
	}
	if sb.Due(now) || !sb.Due(now.Add(time.Second)) {
		t.Error("the acknowledgement is not due after a short time")
	}
	carry(t, sb, a, now, sb.Control(nil, 100, 0, now))
	if !sa.CanSend(now.Add(91 * time.Second)) {
		t.Error("answered, but given up")
	}
}
