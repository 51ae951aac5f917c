// Package sdk is what a plugin for clove is written with. A plugin is a program that calls Serve with its tunnel types; each
// type has a settings struct, whose tags are the schema that users see, and a function Run that serves one tunnel:
//
//	func main() {
//		sdk.Serve(sdk.Plugin{Name: "echo", Version: "1.0.0", Summary: "Sends back what it gets.",
//			Permissions: []sdk.Permission{sdk.ListenI2P},
//			Types: []sdk.TunnelType{sdk.Type[settings]{Name: "echo", Destination: sdk.Server, Protocol: "echo", Run: run}}})
//	}
//
//	func run(ctx context.Context, t *sdk.Tunnel, s settings) error {
//		l, err := t.Listen(0)
//		if err != nil {
//			return err
//		}
//		return t.Serve(ctx, l, func(ctx context.Context, c net.Conn) { io.Copy(c, c) })
//	}
//
// A plugin reaches nothing but its host: no network, no files. What it needs it asks of its Tunnel, which returns ordinary
// net.Conn, net.Listener, net.PacketConn and fs.FS. The user grants the permissions; without one the call fails with an error
// that says how to grant it.
//
// The life of a tunnel:
//
//	Validate -> Run ... Started -> (OnReload, OnHealth, counters) -> Draining -> Run returns
//	                                                              \-> ctx ends -> Run returns
//
// Everything that a tunnel opened ends with it, whether Run closed it or not. A panic in Run or in a handler of Tunnel.Serve
// ends that tunnel or that connection, not the plugin; a panic in a goroutine of the author's own ends the process, and the
// host starts it again.
//
// Read first: tunnel.go for what a tunnel can do, life.go for its states, program.go for the calls of the host.
//
// Goroutines: one per tunnel (Run), one per listener (it takes connections from the host), one for the log; all end with
// their tunnel or with the program.
package sdk
