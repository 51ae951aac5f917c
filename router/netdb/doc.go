// Package netdb is the network database: the store of RouterInfos and, at a floodfill, of LeaseSets, and the lookups
// and publications on the Kademlia network of floodfills (layer 4).
//
// DB is the router's own view, one per router. It verifies and keeps RouterInfos, answers the messages of other routers,
// publishes our RouterInfo, looks up others and explores. View is a client's: the LeaseSets that a client looked
// up, got bundled or published, and nothing that the router or another client can see, because an entry that
// came down a client's tunnel and is then answered by the router ties the one to the other.
//
// The package knows neither tunnels nor transports nor garlic: a Messenger sends, a ReplyPath tells where an answer
// may come back. Goroutines: DB.Run is one loop (expiry, disk, publication, exploration); a lookup runs on the
// goroutine of its caller; Handle runs on the goroutine that received the message and never blocks.
//
// A lookup asks the floodfills closest to today's routing key of what it seeks, follows the referrals of those that do
// not have it, and ends with the four closest (search.go). Exploration asks any floodfill for what we do not know near a
// random key, so that a router that was given five others knows a network of sixty within seconds.
//
// Read messenger.go first, then handle.go and search.go.
package netdb
