package appliance

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"clove.i2p/plugins/api"
	"clove.i2p/router/client"
	"clove.i2p/router/datagram"
	"clove.i2p/router/naming"
	"clove.i2p/router/streaming"
)

// What plugins are told apart from is what the router told apart.
func TestErrorsOfTheContract(t *testing.T) {
	for from, want := range map[error]error{
		naming.ErrUnknownHost: api.ErrUnknownHost, naming.ErrBlinded: api.ErrUnknownHost, client.ErrNotReady: api.ErrNotReady,
		client.ErrNoLeaseSet: api.ErrOffline, streaming.ErrRefused: api.ErrRefused, streaming.ErrNoAnswer: api.ErrNoAnswer,
		context.DeadlineExceeded: api.ErrNoAnswer, datagram.ErrInUse: api.ErrInUse, datagram.ErrTooMany: api.ErrLimit,
	} {
		err := asAPI(fmt.Errorf("router: dial: %w", from))
		if !errors.Is(err, want) || !errors.Is(err, from) {
			t.Errorf("%v becomes %v, want %v", from, err, want)
		}
	}
}
