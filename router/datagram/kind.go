package datagram

import "fmt"

// A Kind of datagram; its value is its protocol number (I2CP, "Protocol numbers").
type Kind uint8

// The kinds.
const (
	KindDatagram1 Kind = 17
	KindRaw       Kind = 18
	KindDatagram2 Kind = 19
	KindDatagram3 Kind = 20
)

// kinds in a row, for tables.
const kinds = 4

func (k Kind) index() int { return int(k - KindDatagram1) }

// Known reports whether k is one of the four.
func (k Kind) Known() bool { return k >= KindDatagram1 && k <= KindDatagram3 }

// Proven reports whether the sender of such a datagram is certain.
func (k Kind) Proven() bool { return k == KindDatagram1 || k == KindDatagram2 }

// Repliable reports whether such a datagram names its sender.
func (k Kind) Repliable() bool { return k.Known() && k != KindRaw }

// String is "datagram1", "raw", "datagram2" or "datagram3".
func (k Kind) String() string {
	switch k {
	case KindDatagram1:
		return "datagram1"
	case KindRaw:
		return "raw"
	case KindDatagram2:
		return "datagram2"
	case KindDatagram3:
		return "datagram3"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}
