// Package ratchet is the state machine of ECIES-X25519-AEAD-Ratchet (layer 3): the end-to-end sessions between two
// destinations. Specification: ECIES-X25519-AEAD-Ratchet; numbers in parentheses in this package are its sections.
//
//	Alice (initiator)                                Bob (responder)
//	Offer          -- New Session (1b) ------------> Accept        Noise IK, ephemeral keys by Elligator2
//	  offered      <- New Session Reply (1g) ------- SealReply       asked
//	  established  -- Existing Session (1h) -------> Open            established
//	               <-> Existing Session (1h) <->     tag sets 0, 1, 2 ... by NextKey blocks (4a)
//
// A Session is one run of this. It does its work in place on bytes, takes the time as an argument, and holds no lock,
// no goroutine and no socket. Tags that may arrive are kept in an Index, which many sessions share: find the tag
// there, then call Open of the session. An error of Open leaves the session as it was, and the same tag may be tried
// again: whoever saw the tag in transit may forge a message under it, but may not burn it.
//
// Which of several sessions with a peer to use is decided in router/garlic.
//
// Start reading at session.go; handshake.go is Noise, tagset.go the symmetric ratchets, nextkey.go the DH ratchet,
// block.go and payload.go the bytes.
package ratchet
