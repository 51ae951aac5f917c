package streaming

import (
	"encoding/binary"
	"errors"
	"fmt"

	"clove.i2p/router/i2p"
)

// What is wrong with a packet.
var (
	ErrTruncated    = errors.New("truncated")
	ErrMalformed    = errors.New("malformed")
	ErrBadSignature = errors.New("signature does not verify")
)

// A StreamID names one direction of a stream. Each side chooses the one it receives on. Zero is unknown.
type StreamID uint32

// Flags of a packet (specification, Flags and Option Data Fields).
type Flags uint16

// The flags, bit 0 first.
const (
	FlagSynchronize Flags = 1 << iota
	FlagClose
	FlagReset
	FlagSignatureIncluded
	FlagSignatureRequested
	FlagFromIncluded
	FlagDelayRequested
	FlagMaxPacketSizeIncluded
	FlagProfileInteractive
	FlagEcho
	FlagNoAck
	FlagOfflineSignature
)

// Delays in milliseconds that mean something else. The specification chokes above 60000; i2pd chokes with 60000 and
// 65535, Java I2P with 61000.
const (
	delayImmediate = 0
	delayChoke     = 60000
	delayChokeJava = 61000
	// delayChokeOurs is choking for all and not the mark by which i2pd knows Java.
	delayChokeOurs = 60001
	// delayUnchoke: any value up to 60000 ends choking, 0 would also ask for an answer.
	delayUnchoke = 100
)

// A Packet is one packet of the streaming protocol. Its byte slices are lent by what was parsed.
//
//	send stream 4 | receive stream 4 | sequence 4 | ack through 4 | NACK count 1 | NACKs 4 each |
//	resend delay 1 | flags 2 | option size 2 | options | payload
//	options: delay 2 | from 387+ | maximum payload 2 | offline signature | signature, each if its flag is set
type Packet struct {
	SendStream, ReceiveStream StreamID
	Sequence                  uint32
	AckThrough                uint32
	NACKs                     []byte // 4 bytes each; in a SYN, 32 bytes are the hash of the peer (proposal 164)
	ResendDelay               uint8  // seconds
	Flags                     Flags
	Delay                     uint16 // milliseconds, with FlagDelayRequested
	From                      *i2p.Destination
	MaxPacketSize             uint16 // with FlagMaxPacketSizeIncluded
	// Tail is what follows in the options: offline signature and signature. Their lengths depend on the key of the
	// sender, which is not in every packet.
	Tail    []byte
	Payload []byte

	tailAt int // in the packet
}

// ParsePacket reads a packet. It allocates only for From.
func ParsePacket(b []byte) (p Packet, err error) {
	if len(b) < headerLen {
		return p, fmt.Errorf("streaming: packet: %w", ErrTruncated)
	}
	p.SendStream = StreamID(binary.BigEndian.Uint32(b))
	p.ReceiveStream = StreamID(binary.BigEndian.Uint32(b[4:]))
	p.Sequence = binary.BigEndian.Uint32(b[8:])
	p.AckThrough = binary.BigEndian.Uint32(b[12:])
	at := 17 + 4*int(b[16])
	if len(b) < at+5 {
		return p, fmt.Errorf("streaming: NACKs: %w", ErrTruncated)
	}
	p.NACKs = b[17:at:at]
	p.ResendDelay = b[at]
	p.Flags = Flags(binary.BigEndian.Uint16(b[at+1:]))
	size := int(binary.BigEndian.Uint16(b[at+3:]))
	at += 5
	if len(b) < at+size {
		return p, fmt.Errorf("streaming: options: %w", ErrTruncated)
	}
	end := at + size
	p.Payload = b[end:]
	options := b[at:end:end]
	if options, err = p.parseOptions(options); err != nil {
		return p, err
	}
	p.Tail = options
	p.tailAt = end - len(options)
	return p, nil
}

// parseOptions reads the options whose length is known and returns the others.
func (p *Packet) parseOptions(b []byte) (rest []byte, err error) {
	if p.Flags&FlagDelayRequested != 0 {
		if len(b) < 2 {
			return nil, fmt.Errorf("streaming: delay: %w", ErrTruncated)
		}
		p.Delay = binary.BigEndian.Uint16(b)
		b = b[2:]
	}
	if p.Flags&FlagFromIncluded != 0 {
		if p.From, b, err = i2p.ParseDestination(b); err != nil {
			return nil, fmt.Errorf("streaming: from: %w", err)
		}
	}
	if p.Flags&FlagMaxPacketSizeIncluded != 0 {
		if len(b) < 2 {
			return nil, fmt.Errorf("streaming: maximum packet size: %w", ErrTruncated)
		}
		p.MaxPacketSize = binary.BigEndian.Uint16(b)
		b = b[2:]
	}
	return b, nil
}

// Append writes the packet behind b. The flags have to fit the options, the NACKs at most 255.
func (p Packet) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(p.SendStream))
	b = binary.BigEndian.AppendUint32(b, uint32(p.ReceiveStream))
	b = binary.BigEndian.AppendUint32(b, p.Sequence)
	b = binary.BigEndian.AppendUint32(b, p.AckThrough)
	b = append(b, byte(len(p.NACKs)/4))
	b = append(b, p.NACKs...)
	b = append(b, p.ResendDelay)
	b = binary.BigEndian.AppendUint16(b, uint16(p.Flags))
	size := len(b)
	b = append(b, 0, 0)
	if p.Flags&FlagDelayRequested != 0 {
		b = binary.BigEndian.AppendUint16(b, p.Delay)
	}
	if p.Flags&FlagFromIncluded != 0 {
		b = append(b, p.From.Bytes()...)
	}
	if p.Flags&FlagMaxPacketSizeIncluded != 0 {
		b = binary.BigEndian.AppendUint16(b, p.MaxPacketSize)
	}
	b = append(b, p.Tail...)
	binary.BigEndian.PutUint16(b[size:], uint16(len(b)-size-2))
	return append(b, p.Payload...)
}

// plain reports whether the packet is an acknowledgement only: it has no place in the sequence.
func (p *Packet) plain() bool { return p.Sequence == 0 && p.Flags&FlagSynchronize == 0 }
