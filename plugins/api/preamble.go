package api

import (
	"errors"
	"io"
	"time"
)

// Sizes of the preamble of a data connection, in bytes, and how long a ticket is good.
const (
	PreambleSize = 40
	TicketSize   = 32
	TicketLife   = 10 * time.Second
)

const dataVersion = 1

// ErrPreamble: what came is no preamble of this version.
var ErrPreamble = errors.New("api: not a preamble of this version")

// A Ticket is good for one connection within TicketLife.
type Ticket [TicketSize]byte

// AppendPreamble appends the 40 bytes that begin a data connection.
func AppendPreamble(b []byte, t Ticket) []byte {
	b = append(b, 'C', 'L', 'V', 'P', dataVersion, 0, 0, 0)
	return append(b, t[:]...)
}

// ReadPreamble reads exactly 40 bytes.
func ReadPreamble(r io.Reader) (Ticket, error) {
	var b [PreambleSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return Ticket{}, err
	}
	if string(b[:8]) != "CLVP\x01\x00\x00\x00" {
		return Ticket{}, ErrPreamble
	}
	return Ticket(b[8:]), nil
}
