package ratchet

import (
	"fmt"
	"time"
)

// A Kind of message.
type Kind uint8

const (
	NewSession Kind = iota + 1
	NewSessionReply
	ExistingSession
	OneTime // under a key and tag that were handed out
	Router  // Noise_N
)

// CheckPayload verifies the blocks of a decrypted payload against the rules of its kind (5, Block Ordering Rules):
// well formed, at most MaxCloves cloves, padding last, and a fresh DateTime first where replays must be stopped.
// What it accepts, ParseBlock reads without error. Unknown blocks are padding.
func CheckPayload(kind Kind, p []byte, now time.Time) error {
	cloves, padded, ended := 0, false, false
	for i := 0; len(p) > 0; i++ {
		blk, rest, err := ParseBlock(p)
		if err != nil {
			return err
		}
		if i == 0 && (kind == NewSession || kind == Router) {
			if blk.Type != BlockDateTime {
				return fmt.Errorf("ratchet: first block %d: %w", blk.Type, errOrder)
			}
			if err := checkDateTime(blk.Data, now); err != nil {
				return err
			}
		}
		if padded || ended && blk.Type != BlockPadding {
			return fmt.Errorf("ratchet: block %d behind the last: %w", blk.Type, errOrder)
		}
		if i >= maxBlocks {
			return fmt.Errorf("ratchet: payload: %w", errMany)
		}
		switch blk.Type {
		case BlockDateTime:
			_, err = parseDateTime(blk.Data)
		case BlockGarlicClove:
			if cloves++; cloves > MaxCloves {
				err = fmt.Errorf("ratchet: cloves: %w", errMany)
			}
		case BlockNextKey:
			_, err = ParseNextKey(blk.Data)
			if err == nil && kind != ExistingSession {
				err = fmt.Errorf("ratchet: NextKey: %w", errOrder)
			}
		case BlockAck:
			err = checkAck(blk.Data)
		case BlockTermination:
			if ended = true; len(blk.Data) == 0 {
				err = fmt.Errorf("ratchet: Termination: %w", errShort)
			}
		case BlockMessageNumbers:
			if len(blk.Data) != 2 {
				err = fmt.Errorf("ratchet: MessageNumbers: %w", errLength)
			}
		case BlockPadding:
			padded = true
		}
		if err != nil {
			return err
		}
		p = rest
	}
	return nil
}

// ErrTime: the DateTime of a New Session is too old or too far ahead: a replay, or a wrong clock.
var ErrTime = fmt.Errorf("ratchet: DateTime out of range")

func checkDateTime(data []byte, now time.Time) error {
	t, err := parseDateTime(data)
	if err != nil {
		return err
	}
	if age := now.Sub(t); age > MaxAge || age < -MaxAhead {
		return ErrTime
	}
	return nil
}
