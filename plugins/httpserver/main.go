package main

import "clove.i2p/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "httpserver", Version: "1.0.0", Summary: "Eepsites: a local web server or a folder, served to I2P.",
		Permissions: []sdk.Permission{sdk.ListenI2P, sdk.DialLocal, sdk.ReadFiles},
		Types: []sdk.TunnelType{
			sdk.Type[serverSettings]{
				Name: "http-server", Summary: "A local web server as an eepsite.", Destination: sdk.Server, Protocol: "http",
				Validate: serverSettings.problems, Run: runServer,
			},
			sdk.Type[folderSettings]{
				Name: "http-folder", Summary: "A folder as an eepsite.", Destination: sdk.Server, Protocol: "http",
				Validate: folderSettings.problems, Run: runFolder,
			},
		},
	}
}
