package main

import "clove.i2p/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "udp", Version: "1.0.0", Summary: "Local UDP ports that lead into I2P, and destinations that lead to local UDP servers.",
		Permissions: []sdk.Permission{sdk.DialI2P, sdk.ListenI2P, sdk.DialLocal, sdk.ListenLocal},
		Types: []sdk.TunnelType{
			sdk.Type[clientSettings]{
				Name: "udp-client", Summary: "A local UDP port that leads to a destination.",
				Destination: sdk.Client, Protocol: "datagram", Validate: clientSettings.problems, Run: runClient,
			},
			sdk.Type[serverSettings]{
				Name: "udp-server", Summary: "A local UDP server, for everybody in I2P or for some.",
				Destination: sdk.Server, Protocol: "datagram", Validate: serverSettings.problems, Run: runServer,
			},
		},
	}
}
