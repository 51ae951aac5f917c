package wire

import "errors"

// Errors of this package, wrapped with what was being read. None of them ends a handshake: a packet is what anybody can send.
var (
	// ErrShort means fewer bytes than this kind of packet has at least.
	ErrShort = errors.New("packet too short")
	// ErrType means a packet of another type than the one asked for, or of none. The packet's bytes are unchanged: it may be
	// tried as another.
	ErrType = errors.New("packet of another type")
	// ErrVersion means a version field that is none of a Variant, or another one than the handshake's.
	ErrVersion = errors.New("version not supported")
	// ErrNetwork means a packet of another network.
	ErrNetwork = errors.New("another network")
	// ErrConnectionID means connection IDs that do not belong to this handshake, or are equal.
	ErrConnectionID = errors.New("wrong connection IDs")
	// ErrAuthentication means that the packet is not from whom it should be, or was changed on its way.
	ErrAuthentication = errors.New("authentication failed")
	// ErrFragment means fragments of SessionConfirmed that contradict each other or are too many or too large.
	ErrFragment = errors.New("wrong fragment")
	// ErrState means a call out of order: a bug of the caller, or a packet that came too late.
	ErrState = errors.New("not in this state of the handshake")
	// ErrMalformed means blocks, or a block, that break the specification's rules.
	ErrMalformed = errors.New("malformed block")
	// ErrTooLarge means something that does not fit into its packet or its limit.
	ErrTooLarge = errors.New("too large")
)
