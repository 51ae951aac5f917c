package appliance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"clove.i2p/proxies"
	"clove.i2p/router/client"
	"clove.i2p/router/naming"
	"clove.i2p/router/netdb"
	"clove.i2p/router/streaming"
)

func TestErrorsOfTheRouterBecomeThoseOfTheProxies(t *testing.T) {
	for err, want := range map[error]error{
		naming.ErrUnknownHost:    proxies.ErrUnknownHost,
		naming.ErrInvalidHost:    proxies.ErrUnknownHost,
		client.ErrNotReady:       proxies.ErrNotReady,
		netdb.ErrNotReady:        proxies.ErrNotReady,
		client.ErrNoLeaseSet:     proxies.ErrNoLeaseSet,
		netdb.ErrNotFound:        proxies.ErrNoLeaseSet,
		streaming.ErrRefused:     proxies.ErrNoAnswer,
		streaming.ErrReset:       proxies.ErrNoAnswer,
		os.ErrDeadlineExceeded:   proxies.ErrNoAnswer,
		context.DeadlineExceeded: proxies.ErrNoAnswer,
	} {
		if got := translate(fmt.Errorf("router: dial: %w", err)); !errors.Is(got, want) || !errors.Is(got, err) {
			t.Errorf("%v becomes %v", err, got)
		}
	}
	if err := errors.New("other"); translate(err) != err {
		t.Error("other errors change")
	}
}
