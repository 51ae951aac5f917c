package main

import "clove.i2p/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "tcp", Version: "1.0.0", Summary: "Local ports that lead into I2P, and destinations that lead to local servers.",
		Permissions: []sdk.Permission{sdk.DialI2P, sdk.ListenI2P, sdk.DialLocal, sdk.ListenLocal, sdk.ReadFiles},
		Types: []sdk.TunnelType{
			sdk.Type[clientSettings]{
				Name: "tcp-client", Summary: "A local port that leads to a destination, or to the first of several that answers.",
				Destination: sdk.Client, Protocol: "raw", Validate: clientSettings.problems, Run: runClient,
			},
			sdk.Type[serverSettings]{
				Name: "tcp-server", Summary: "A local TCP server, for everybody in I2P or for some.",
				Destination: sdk.Server, Protocol: "raw", Validate: serverSettings.problems, Run: runServer,
			},
		},
	}
}
