// Package reachability decides whether strangers can reach this router, for IPv4 and IPv6 apart, and says why.
//
//	what peers see (Address blocks)   \
//	peer tests                         \
//	sessions that strangers opened       > Keeper -> Report: state, external address, a sentence for people
//	port mappings, configuration       /
//
// No evidence is believed for itself: a verdict needs the word of peers in different networks, so that one liar cannot flip it, it stays until
// others agree on another one, and it fades when nothing confirms it. While there is none, one witness suffices that says the same again minutes later and
// that no test contradicts: there may be nobody else to ask. A port mapping counts once a peer has seen us at its address. An address that peers outvote
// another one with is not said to be reached before tests reach it. Read judge.go first, then move.go.
//
// No goroutine, no clock, no I/O. A Keeper is safe for concurrent use; its methods take the time. It imports nothing of this project: peers are
// known by their hashes and addresses only.
package reachability
