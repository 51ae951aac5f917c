package proxytest

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests of a package with a proxy in the environment that must not be heeded, and a resolver that must
// not be asked, and looks for goroutines that they leave. It does not return.
func Main(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		_ = os.Setenv(name, "http://proxy.invalid:9")
	}
	var lookups atomic.Int64
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		lookups.Add(1)
		return nil, errors.New("no name server in this test")
	}}
	code := m.Run()
	if n := lookups.Load(); n > 0 {
		println("the system's resolver was asked", n, "times")
		code = 1
	}
	if err := goleak.Find(); err != nil {
		println(err.Error())
		code = 1
	}
	os.Exit(code)
}
