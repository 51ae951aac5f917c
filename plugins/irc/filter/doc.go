// Package filter decides what of an IRC connection passes between a client and a server, line by line and in both directions
// (layer 0). It takes and gives bytes; it knows no socket and no tunnel.
//
//	client -> Reader -> Session.Outbound -> server      nothing that tells who or where the user is, or what program it is
//	client <- Session.Inbound <- Reader <- server       nothing that would make the client tell, or connect elsewhere
//
// What is not known is dropped: commands (commands.go), capabilities (capability.go), message tags (tags.go), every CTCP but
// ACTION (ctcp.go). Each line is parsed and written anew, so that client, filter and server cannot read it differently.
// What was dropped or changed is counted by Kind, without content.
//
// Read session.go first. Goroutines: none. A Session may be used by one goroutine for each direction.
package filter
