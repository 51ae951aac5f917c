package datagram

import "errors"

// What can go wrong. Those of a closed Conn or Stack are net.ErrClosed, those of a deadline os.ErrDeadlineExceeded; parsing
// returns the errors of i2p.
var (
	// ErrTooLarge: the payload is larger than MaxPayload.
	ErrTooLarge = errors.New("datagram: too large")
	// ErrInUse: another Conn has the port, or all are taken.
	ErrInUse = errors.New("datagram: port in use")
	// ErrTooMany: the destination has too many Conns.
	ErrTooMany = errors.New("datagram: too many open")
	// ErrNoAddress: nowhere to send to, as with the sender of a raw datagram.
	ErrNoAddress = errors.New("datagram: no destination")
	// ErrExpired: the transient key of the sender is past its time.
	ErrExpired = errors.New("datagram: offline signature expired")
	// ErrVersion: the flags name another version, or what is not known.
	ErrVersion = errors.New("datagram: unknown version or flags")
)
