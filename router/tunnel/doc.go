// Package tunnel is the inside of a tunnel: the message of 1028 bytes, the fragments in it with their delivery
// instructions, and the three roles that handle it (layer 4).
//
//	Gateway      messages in flight -> fragments -> tunnel messages -> layers on -> next hop
//	Participant  tunnel message -> one layer -> next hop, in place in the buffer that it came in
//	Endpoint     tunnel message -> layers off -> fragments -> messages in flight with their Delivery
//
// A creator uses Gateway for its outbound and Endpoint for its inbound tunnels, with the layers of all hops; a hop
// uses each role with its own layer only (Mode). What goes in and out is messages in flight (see i2np), TunnelData
// among them: short header 9 bytes, tunnel id 4, IV 16, data 1008.
//
// No role has a goroutine, a clock or a socket, and none is safe for concurrent use: the owner of the tunnel locks.
// A tunnel message that is refused leaves a role unchanged; the next one may be tried.
//
// Read first: message.go (the layout), then delivery.go, gateway.go, participant.go, endpoint.go.
package tunnel
