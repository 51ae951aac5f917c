package ntcp2

import (
	"time"

	"clove.i2p/router/crypto/keys"
)

// feedRequest gives a responder message 1 as the wire would: length, message, padding.
func feedRequest(r *responder, msg []byte, now time.Time) (ahead time.Duration, err error) {
	if len(msg) < messageLen {
		return 0, errMalformed
	}
	n, err := r.requestLen(msg)
	if err != nil {
		return 0, err
	}
	if len(msg) < n {
		return 0, errMalformed
	}
	padding, ahead, err := r.sessionRequest(msg[:n], now)
	if err != nil {
		return 0, err
	}
	if len(msg) != n+padding {
		return 0, errMalformed
	}
	if padding > 0 {
		r.requestPadding(msg[n:])
	}
	return ahead, nil
}

// feedCreated gives an initiator message 2.
func feedCreated(i *initiator, msg []byte, now time.Time) (ahead time.Duration, err error) {
	n := i.createdLen()
	if len(msg) < n {
		return 0, errMalformed
	}
	padding, ahead, err := i.sessionCreated(msg[:n], now)
	if err != nil {
		return 0, err
	}
	if len(msg) != n+padding {
		return 0, errMalformed
	}
	if padding > 0 {
		i.createdPadding(msg[n:])
	}
	return ahead, nil
}

// feedConfirmed gives a responder message 3.
func feedConfirmed(r *responder, msg []byte) (keys.X25519Public, confirmedPayload, error) {
	if len(msg) != r.confirmedLen() {
		return keys.X25519Public{}, confirmedPayload{}, errMalformed
	}
	return r.sessionConfirmed(msg)
}
