// Package garlic seals and opens garlic messages (layer 4): the end-to-end encryption between destinations, the
// one-message encryption to routers, and the replies under a key and tag that we handed out.
//
//	owner ----- payload blocks in a *buf.Buf -----> Seal ----> Garlic message in flight ----> tunnel, transport
//	owner <---- cloves, lent ------ deliver <------ Open <---- body of a Garlic message <---- tunnel, transport
//
// A Keeper belongs to one destination (or to the router itself) and shares nothing with any other: sessions, tags
// and filters that two identities share are how they are linked. It maps session tags to sessions of
// router/ratchet, chooses the session and the kind of message (New Session, New Session Reply, Existing Session),
// and starts no goroutine: its owner calls Due from a timer.
//
// Life of a message out: the owner takes an I2NP message in flight, calls PrependClove (and AppendClove for a
// bundled LeaseSet), then Seal; the buffer now holds the Garlic message in flight, in the same memory.
//
// Start reading at keeper.go (who is who), then seal.go and open.go; router.go is the encryption to routers,
// onetime.go the replies; clove.go the blocks.
package garlic
