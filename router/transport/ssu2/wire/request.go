package wire

// TokenRequest makes the packet that asks Bob for a token.
func (i *Initiator) TokenRequest(payload []byte) []byte { panic("todo") }

// OpenRetry opens Bob's answer to a TokenRequest, or to a SessionRequest with a token that he does not know, in place.
func (i *Initiator) OpenRetry(packet []byte) (h Header, payload []byte, err error) { panic("todo") }

// Request makes SessionRequest, Variant.RequestOverhead() + len(payload) bytes.
func (i *Initiator) Request(token Token, payload []byte) ([]byte, error) { panic("todo") }

// OpenRequest opens SessionRequest in place.
func (r *Responder) OpenRequest(packet []byte) (h Header, payload []byte, err error) { panic("todo") }

// Created makes SessionCreated.
func (r *Responder) Created(payload []byte) ([]byte, error) { panic("todo") }

// OpenCreated opens SessionCreated in place.
func (i *Initiator) OpenCreated(packet []byte) (h Header, payload []byte, err error) { panic("todo") }

// Confirmed makes SessionConfirmed, in as many packets of at most maxPacket bytes as it takes.
func (i *Initiator) Confirmed(payload []byte, maxPacket int) ([][]byte, error) { panic("todo") }

// OpenConfirmed takes SessionConfirmed, or a fragment of it; complete with the last one.
func (r *Responder) OpenConfirmed(packet []byte) (payload []byte, complete bool, err error) {
	panic("todo")
}

type reassembly struct{}
