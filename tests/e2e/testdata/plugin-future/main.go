// Command plugin-future is a plugin for a version of the contract that there is not yet.
package main

import (
	"github.com/hashicorp/go-plugin"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: api.CookieEnv, MagicCookieValue: api.Cookie},
		VersionedPlugins: map[int]plugin.PluginSet{api.ProtocolVersion + 1: api.Plugins(pb.UnimplementedPluginServer{})},
		GRPCServer:       plugin.DefaultGRPCServer,
	})
}
