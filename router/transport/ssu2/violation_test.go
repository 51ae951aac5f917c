package ssu2

import (
	"errors"
	"testing"
	"time"

	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/wire"
)

func TestPeersAreBannedForWhatTheyProvablyDid(t *testing.T) {
	for name, tc := range map[string]struct {
		block []byte
		want  bool
	}{
		"DateTime of 3 bytes":         {wire.AppendBlock(nil, wire.BlockDateTime, make([]byte, 3)), true},
		"message of 2 bytes":          {wire.AppendBlock(nil, wire.BlockI2NP, make([]byte, 2)), true},
		"clock":                       {wire.AppendDateTime(nil, time.Now().Add(time.Hour)), false},
		"RouterInfo that is none":     {wire.AppendBlock(nil, wire.BlockRouterInfo, make([]byte, 50)), false},
		"relay request that is none":  {wire.AppendBlock(nil, wire.BlockRelayRequest, nil), false},
		"block of a kind yet unknown": {wire.AppendBlock(nil, 200, make([]byte, 9)), false},
		"path response to nothing":    {wire.AppendPathResponse(nil, make([]byte, 8)), false},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newRouter(t, nil).serve(), newRouter(t, nil).serve()
			ours, _ := a.dial(b)
			sn := ours.(*session)
			sn.mu.Lock()
			sn.flow.Control(time.Now(), tc.block, true)
			sn.mu.Unlock()
			sn.link.mark(sn)
			if !tc.want && name != "clock" {
				ours.Close(transport.ReasonNormal)
			}
			var v *transport.Violation
			if err := receive(t, b.closed); errors.As(err, &v) != tc.want || tc.want && v.Reason != transport.BanProtocol {
				t.Errorf("closed: %v", err)
			}
		})
	}
}
