package main

import "clove.i2p/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "outproxy", Version: "1.0.0", Summary: "The way out of I2P: exits, and the use of them.",
		Permissions: []sdk.Permission{sdk.DialI2P, sdk.ListenI2P, sdk.DialLocal, sdk.ListenLocal, sdk.DialClearnet},
		Types: []sdk.TunnelType{
			sdk.Type[exitSettings]{
				Name: "outproxy-server", Summary: "An exit: others reach the web through this machine.", Destination: sdk.Server, Protocol: "http-proxy",
				Validate: exitSettings.problems, Run: runExit,
			},
			sdk.Type[clientSettings]{
				Name: "outproxy-client", Summary: "Reaches the web through exits of others.", Destination: sdk.Client, Protocol: "http-proxy",
				Validate: clientSettings.problems, Run: runClient,
			},
		},
	}
}
