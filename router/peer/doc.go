// Package peer remembers how other routers behaved and chooses the hops of tunnels (layer 3).
//
// Results flow in: the transports tell of connections, the tunnel pools of verdicts, silence and tests. Choices
// flow out: Select draws distinct hops among the RouterInfos that it is lent, Good and Reaches refuse routers that failed a
// moment ago, and those that the transports have banned. Nothing here sends a message, starts a goroutine or decides for good: every
// refusal expires, since automatic bans have been turned against honest routers before.
//
// A profile lives from the first result until it was unused for profileLife or the Book is full:
//
//	Failed    -> backing off (30 s, doubled with each failure in a row, at most 8 min) -> eligible again
//	Connected -> eligible at once
//	Replied(agreed), Replied(refused), TimedOut -> weight; the last two back off as well
//
// Read book.go first, then selection.go.
package peer
