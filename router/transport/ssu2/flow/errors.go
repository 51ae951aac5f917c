package flow

import (
	"fmt"

	"clove.i2p/router/transport/ssu2/wire"
)

// A ProtocolError is a payload that no correct peer sends. Reason is what a Termination block is to say.
type ProtocolError struct {
	Reason wire.TerminationReason
	Err    error
}

func (e *ProtocolError) Error() string { return fmt.Sprintf("ssu2: %v", e.Err) }

// Unwrap returns what was wrong.
func (e *ProtocolError) Unwrap() error { return e.Err }
