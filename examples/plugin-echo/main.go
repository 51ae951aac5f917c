// Command plugin-echo is a plugin for clove with one tunnel type: a destination that sends back what it gets.
package main

import (
	"context"
	"io"
	"net"

	"clove.i2p/plugins/sdk"
)

var version = "1.0.0" // go build -ldflags "-X main.version=1.1.0"

var plugin = sdk.Plugin{
	Name: "echo", Version: version, Summary: "Sends back what it gets.",
	Permissions: []sdk.Permission{sdk.ListenI2P},
	Types: []sdk.TunnelType{sdk.Type[settings]{
		Name: "echo", Summary: "a destination that echoes", Destination: sdk.Server, Protocol: "echo", Run: run,
	}},
}

type settings struct {
	Port int `setting:"port" default:"0" help:"I2P port; 0 is all"`
}

func run(ctx context.Context, t *sdk.Tunnel, s settings) error {
	l, err := t.Listen(s.Port)
	if err != nil {
		return err
	}
	streams := t.Counter("streams", "streams that were echoed")
	return t.Serve(ctx, l, func(_ context.Context, c net.Conn) {
		streams.Add(1)
		_, _ = io.Copy(c, c)
	})
}

func main() { sdk.Serve(plugin) }
