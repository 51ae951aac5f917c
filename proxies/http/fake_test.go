package http

import (
	"context"
	"io"
	"net"
	nethttp "net/http"
	"net/url"
	"strings"

	"clove.i2p/proxies"
)

type noDialer struct{}

func (noDialer) Dial(context.Context, proxies.Target) (net.Conn, error) {
	return nil, proxies.ErrUnknownHost
}

func formRequest(v url.Values) *nethttp.Request {
	return &nethttp.Request{
		Method: "POST", Header: nethttp.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: io.NopCloser(strings.NewReader(v.Encode())),
	}
}
