package router

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"clove.i2p/router/transport/ssu2"
	"clove.i2p/router/udp"
)

// counted is a socket that has done something.
type counted struct{ ssu2.Socket }

func (counted) Counts() udp.Counts { return udp.Counts{Read: 4711, WriteErrors: 3} }

func TestStatsHaveThoseOfTheTransports(t *testing.T) {
	r := made(t, Config{NTCP2: Endpoint{Disabled: true}, SSU2: Endpoint{Listen: "127.0.0.1:0"}, Sockets: Sockets{
		ListenPacket: func(_ context.Context, at netip.AddrPort) (ssu2.Socket, error) {
			s, err := udp.Listen(at, udp.Options{})
			return counted{s}, err
		},
	}})
	b, err := json.Marshal(r.Status().Stats)
	if err != nil || !strings.Contains(string(b), `"Read":4711`) || !strings.Contains(string(b), `"WriteErrors":3`) || !strings.Contains(string(b), `"NTCP2":{`) {
		t.Errorf("%s, %v", b, err)
	}
}
