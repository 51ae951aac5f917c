package portmap

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A box is a gateway that speaks no protocol.
type box struct {
	at      string
	refuses map[uint16]error // by internal port
	silent  bool             // when it is to remove
	removed []uint16         // what it was asked to
}

func (b *box) protocol() Protocol   { return UPnP }
func (b *box) addr() netip.AddrPort { return netip.MustParseAddrPort(b.at) }

func (b *box) add(_ context.Context, p Port, external uint16, lease time.Duration) (mapping, error) {
	if err := b.refuses[p.Internal]; err != nil {
		return mapping{}, err
	}
	return mapping{external: netip.AddrPortFrom(netip.MustParseAddr("11.22.33.44"), external), lease: lease}, nil
}

func (b *box) remove(ctx context.Context, _ Port, external uint16) error {
	b.removed = append(b.removed, external)
	if b.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func mapper(t *testing.T) *Mapper {
	t.Helper()
	m, err := New(Config{Ports: []Port{{UDP, 9000, 0}, {TCP, 9001, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	m.routers = func() netip.Addr { return netip.Addr{} }
	return m
}

// A port that one gateway holds is not removed at another one, where somebody else may have it.
func TestMappingIsRemovedWhereItWasMade(t *testing.T) {
	for _, refusal := range []error{errTaken, errors.New("refused")} {
		synctest.Test(t, func(t *testing.T) {
			m := mapper(t)
			first, second := &box{at: "192.168.1.1:80", silent: true}, &box{at: "192.168.2.1:80", refuses: map[uint16]error{9001: refusal}}
			for _, g := range []*box{first, second} {
				if err := m.addAll(t.Context(), g); err != nil {
					t.Fatal(err)
				}
			}
			m.release()
			if !slices.Equal(second.removed, []uint16{9000}) || !slices.Equal(first.removed, []uint16{9001}) {
				t.Errorf("%v: the first was asked to remove %v, the second %v", refusal, first.removed, second.removed)
			}
		})
	}
}

func TestSilentGatewayHoldsUpTheEndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, g := mapper(t), &box{at: "192.168.1.1:80", silent: true}
		if err := m.addAll(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		end()
		began := time.Now()
		m.hold(ctx, g, netip.Addr{})
		m.release() // of Run
		if took := time.Since(began); took != m.times.remove {
			t.Errorf("the end took %v, not %v", took, m.times.remove)
		}
	})
}
