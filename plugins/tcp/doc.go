// Command clove-plugin-tcp bridges TCP and I2P. Bytes pass as they are.
//
//	tcp-client   application -> local port -> stream -> one of several destinations, the next if one does not answer
//	tcp-server   stream -> who is it, are they welcome -> local server, with TLS if it wants it
//
// Goroutines: those of sdk.Tunnel.Serve, one for each connection, and one more of relay.Join while it lasts.
//
// Read first: client.go and server.go.
package main
