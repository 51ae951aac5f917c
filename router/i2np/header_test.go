package i2np_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"clove.i2p/router/i2np"
)

func TestShortHeaderLayout(t *testing.T) {
	wire := raw(t, "0a 01020304 5f5e1000 aabb")
	h, payload, err := i2np.ParseShort(wire)
	if err != nil {
		t.Fatal(err)
	}
	want := i2np.Header{Type: i2np.TypeDeliveryStatus, ID: 0x01020304, Expiration: time.Unix(0x5f5e1000, 0)}
	if h != want || !bytes.Equal(payload, wire[9:]) {
		t.Fatalf("%+v %x", h, payload)
	}
	if got := append(h.AppendShort(nil), payload...); !bytes.Equal(got, wire) {
		t.Fatalf("%x", got)
	}
	if _, _, err := i2np.ParseShort(wire[:8]); err == nil {
		t.Fatal("8 bytes taken")
	}
	if _, _, err := i2np.ParseShort(make([]byte, 9+i2np.MaxPayload+1)); err == nil {
		t.Fatal("a payload larger than any taken")
	}
}

func TestStandardHeaderLayout(t *testing.T) {
	payload := raw(t, "aabb")
	wire := append(raw(t, "0b 01020304 00000177fde12345 0002"), checksum(payload), 0xaa, 0xbb)
	h, p, rest, err := i2np.ParseStandard(append(bytes.Clone(wire), 0xff))
	if err != nil {
		t.Fatal(err)
	}
	want := i2np.Header{Type: i2np.TypeGarlic, ID: 0x01020304, Expiration: time.UnixMilli(0x177fde12345)}
	if h != want || !bytes.Equal(p, payload) || !bytes.Equal(rest, []byte{0xff}) {
		t.Fatalf("%+v %x %x", h, p, rest)
	}
	if got := h.AppendStandard(nil, p); !bytes.Equal(got, wire) {
		t.Fatalf("%x", got)
	}
}

func TestStandardHeaderIsChecked(t *testing.T) {
	good := append(raw(t, "0b 01020304 00000177fde12345 0002"), checksum([]byte{1, 2}), 1, 2)
	bad := bytes.Clone(good)
	bad[15]++
	if _, _, _, err := i2np.ParseStandard(bad); !errors.Is(err, i2np.ErrChecksum) {
		t.Errorf("wrong checksum: %v", err)
	}
	if _, _, _, err := i2np.ParseStandardUnchecked(bad); err != nil {
		t.Errorf("wrong checksum where it does not matter: %v", err)
	}
	if _, _, _, err := i2np.ParseStandard(good[:17]); err == nil {
		t.Error("cut payload taken")
	}
	if _, _, _, err := i2np.ParseStandard(good[:15]); err == nil {
		t.Error("cut header taken")
	}
	far := bytes.Clone(good)
	far[5] = 1
	if _, _, _, err := i2np.ParseStandard(far); err == nil {
		t.Error("expiration in the far future taken")
	}
}

func TestExpiration(t *testing.T) {
	now := time.Unix(1700000000, 0)
	for d, want := range map[time.Duration]bool{
		0: false, 10 * time.Second: false, -60 * time.Second: false, -61 * time.Second: true,
		3 * time.Minute: false, 3*time.Minute + time.Second: true,
	} {
		if got := (i2np.Header{Expiration: now.Add(d)}).Expired(now); got != want {
			t.Errorf("expiration %v from now: expired %v", d, got)
		}
	}
	if i2np.NewHeader(i2np.TypeData, now).Expired(now) {
		t.Error("a new header is expired")
	}
}

func TestShortExpirationIsUnsigned(t *testing.T) {
	for _, at := range []time.Time{time.Unix(1<<31+5, 0), time.Unix(1<<32-1, 0), time.Unix(0, 0)} {
		h, _, err := i2np.ParseShort(i2np.Header{Expiration: at}.AppendShort(nil))
		if err != nil || !h.Expiration.Equal(at) {
			t.Errorf("%v became %v", at, h.Expiration)
		}
	}
	h, _, _ := i2np.ParseShort(i2np.Header{Expiration: time.Unix(1<<40, 0)}.AppendShort(nil))
	if h.Expiration.Unix() != 1<<32-1 {
		t.Errorf("too late a date became %v", h.Expiration)
	}
}

func TestMessageIDIsNotZero(t *testing.T) {
	seen := map[i2np.MessageID]bool{}
	for range 1000 {
		seen[i2np.NewMessageID()] = true
	}
	if seen[0] || len(seen) < 999 {
		t.Fatalf("%d different of 1000, 0: %v", len(seen), seen[0])
	}
}

func TestUnknownTypesAreLegal(t *testing.T) {
	for _, typ := range []i2np.Type{0, 21, 231, 255} {
		h, _, err := i2np.ParseShort(i2np.Header{Type: typ, ID: 1}.AppendShort(nil))
		if err != nil || h.Type != typ || h.Type.String() == "" {
			t.Errorf("type %v: %v", typ, err)
		}
	}
}
