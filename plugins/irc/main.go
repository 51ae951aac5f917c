package main

import "clove.i2p/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "irc", Version: "1.0.0", Summary: "IRC over I2P: clients through a filter, and servers.",
		Permissions: []sdk.Permission{sdk.DialI2P, sdk.ListenI2P, sdk.DialLocal, sdk.ListenLocal},
		Types: []sdk.TunnelType{
			sdk.Type[clientSettings]{
				Name: "irc-client", Summary: "A local port that leads to an IRC server in I2P, through a filter.",
				Destination: sdk.Client, Protocol: "irc", Validate: clientSettings.problems, Run: runClient,
			},
			sdk.Type[serverSettings]{
				Name: "irc-server", Summary: "A local IRC server, for clients in I2P.",
				Destination: sdk.Server, Protocol: "irc", Validate: serverSettings.problems, Run: runServer,
			},
		},
	}
}
