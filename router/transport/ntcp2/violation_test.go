package ntcp2

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

func TestPeersAreBannedForWhatTheyProvablyDid(t *testing.T) {
	malformed := func(payload []byte) error {
		b := blocks{rest: payload}
		for b.next() {
		}
		return b.err
	}
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"block longer than the frame":      {malformed([]byte{3, 0, 9, 0}), true},
		"block after the padding":          {malformed([]byte{254, 0, 0, 3, 0, 0}), true},
		"frame that does not verify":       {errAEAD, false},
		"clock":                            {transport.ErrClockSkew, false},
		"connection":                       {io.ErrUnexpectedEOF, false},
		"RouterInfo of a kind yet unknown": {fmt.Errorf("%w: %w", errMalformed, i2p.ErrUnsupportedKey), false},
		"end":                              {nil, false},
	} {
		got := violation(tc.err)
		var v *transport.Violation
		if errors.As(got, &v) != tc.want || tc.err != nil && !errors.Is(got, tc.err) || tc.want && v.Reason != transport.BanProtocol {
			t.Errorf("%s: %v", name, got)
		}
	}
	_, _, err := parseRouterInfoBlock(make([]byte, 1+maxRouterInfo+1))
	if v := (*transport.Violation)(nil); errors.As(violation(err), &v) || !errors.Is(err, i2p.ErrTooLarge) {
		t.Errorf("long RouterInfo: %v", violation(err))
	}
	_, _, err = parseRouterInfoBlock(make([]byte, 50))
	if v := (*transport.Violation)(nil); errors.As(violation(err), &v) || !errors.Is(err, errMalformed) {
		t.Errorf("unreadable RouterInfo: %v", violation(err))
	}
}
