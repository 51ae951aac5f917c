package api

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"clove.i2p/plugins/api/pb"
)

// Plugins is go-plugin's set with the one plugin of the contract. A plugin gives its server; the host gives nil, and gets a
// pb.PluginClient from Dispense(Name).
func Plugins(server pb.PluginServer) plugin.PluginSet {
	return plugin.PluginSet{Name: &glue{server: server}}
}

type glue struct {
	plugin.NetRPCUnsupportedPlugin

	server pb.PluginServer
}

var _ plugin.GRPCPlugin = (*glue)(nil)

func (g *glue) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	pb.RegisterPluginServer(s, g.server)
	return nil
}

func (g *glue) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return pb.NewPluginClient(c), nil
}
