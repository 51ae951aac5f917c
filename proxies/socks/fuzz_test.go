package socks_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"clove.i2p/proxies"
	"clove.i2p/proxies/socks"
	"clove.i2p/tests/proxytest"
)

// FuzzServer: whatever comes, the server ends, and dials nothing but valid hosts, those of the clearnet through the outproxy.
func FuzzServer(f *testing.F) {
	for _, seed := range []string{
		"", greet, greet + request5("a.i2p") + "data", greetBoth + login("u", "p") + request5("unknown.i2p"),
		request4("a.i2p", "u") + "data", request4("127.0.0.1", ""), "\x04\x01\x00\x50\x01\x02\x03\x04\x00",
		greet + "\x05\x01\x00\x04" + strings.Repeat("\x00", 18), greet + "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00",
		"GET / HTTP/1.1\r\n\r\n", greet + request5("clear.example") + "data", greet + "\x05\x01\x00\x01\x09\x09\x09\x09\x00\x50",
		request4("clear.example", "u"), greet + "\x05\xf1\x00\x01\x09\x09\x09\x09\x00\x50",
	} {
		f.Add([]byte(seed))
	}
	rules, err := proxies.NewRules([]proxies.Rule{{Action: proxies.ToOutproxy, Via: "exit"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		cfg := socks.DefaultConfig()
		cfg.Policy, cfg.Packets = proxies.NewPolicy(rules), &packets{}
		s, err := socks.New(cfg, proxytest.DialFunc(func(_ context.Context, target proxies.Target) (net.Conn, error) {
			host, network, err := proxies.ParseAnyHost(target.Host)
			if err != nil || host != target.Host || target.Port < 1 || (network == proxies.Clearnet) != (target.Via == "exit") ||
				network == proxies.I2P && target.Via != "" {
				t.Errorf("dialed %+v: %v", target, err)
			}
			if target.Host != "a.i2p" {
				return nil, proxies.ErrUnknownHost
			}
			a, b := proxytest.Duplex()
			go func() {
				_, _ = io.Copy(io.Discard, b)
				_ = b.Close()
			}()
			return a, nil
		}), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		proxytest.Feed(t, s, sent, time.Millisecond)
	})
}
