package wire

import (
	"encoding/binary"
	"fmt"
)

// A TerminationReason says why a session, or a handshake, ended ("Termination").
type TerminationReason uint8

// Termination reasons.
const (
	ReasonNormal                TerminationReason = 0
	ReasonTerminationReceived   TerminationReason = 1
	ReasonIdle                  TerminationReason = 2
	ReasonShutdown              TerminationReason = 3
	ReasonAEAD                  TerminationReason = 4
	ReasonIncompatibleOptions   TerminationReason = 5
	ReasonIncompatibleSignature TerminationReason = 6
	ReasonClockSkew             TerminationReason = 7
	ReasonPadding               TerminationReason = 8
	ReasonFraming               TerminationReason = 9
	ReasonPayloadFormat         TerminationReason = 10
	ReasonSessionRequest        TerminationReason = 11
	ReasonSessionCreated        TerminationReason = 12
	ReasonSessionConfirmed      TerminationReason = 13
	ReasonTimeout               TerminationReason = 14
	ReasonRouterInfoSignature   TerminationReason = 15
	ReasonStaticKey             TerminationReason = 16
	ReasonBanned                TerminationReason = 17
	ReasonBadToken              TerminationReason = 18
	ReasonLimits                TerminationReason = 19
	ReasonVersion               TerminationReason = 20
	ReasonNetworkID             TerminationReason = 21
	ReasonReplaced              TerminationReason = 22
)

var reasonNames = [...]string{
	"normal close", "termination received", "idle timeout", "router shutdown", "data phase AEAD failure", "incompatible options",
	"incompatible signature type", "clock skew", "padding violation", "AEAD framing error", "payload format error", "SessionRequest error",
	"SessionCreated error", "SessionConfirmed error", "timeout", "RouterInfo signature verification failed", "static key missing or wrong",
	"banned", "bad token", "connection limits", "incompatible version", "wrong network ID", "replaced by new session",
}

func (r TerminationReason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

const terminationLen = 9

// AppendTermination appends the end of a session: 12 bytes. received is the number of valid packets received, 0 in the handshake.
// Only Padding may follow.
func AppendTermination(dst []byte, received uint64, r TerminationReason) []byte {
	dst = binary.BigEndian.AppendUint64(AppendBlockHeader(dst, BlockTermination, terminationLen), received)
	return append(dst, byte(r))
}

// ParseTermination reads the body of a Termination block. What may follow the reason has no format and is skipped.
func ParseTermination(body []byte) (received uint64, r TerminationReason, err error) {
	if len(body) < terminationLen {
		return 0, 0, fmt.Errorf("%w: Termination of %d bytes", ErrMalformed, len(body))
	}
	return binary.BigEndian.Uint64(body), TerminationReason(body[8]), nil
}
