package wire

import (
	"encoding/binary"
	"fmt"
)

// A ConnectionID is random, chosen by the initiator for both sides, and the same from the first packet to the last.
type ConnectionID uint64

// A Token proves that its holder receives packets at an address. Zero is none.
type Token uint64

// Type is the kind of a packet.
type Type uint8

// Packet types ("Messages").
const (
	SessionRequest   Type = 0
	SessionCreated   Type = 1
	SessionConfirmed Type = 2
	Data             Type = 6
	PeerTestPacket   Type = 7
	Retry            Type = 9
	TokenRequest     Type = 10
	HolePunch        Type = 11
)

var typeNames = map[Type]string{
	SessionRequest: "SessionRequest", SessionCreated: "SessionCreated", SessionConfirmed: "SessionConfirmed", Data: "Data",
	PeerTestPacket: "PeerTest", Retry: "Retry", TokenRequest: "TokenRequest", HolePunch: "HolePunch",
}

func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// long reports whether packets of this type have the long header; known, whether there is such a type.
func (t Type) long() (long, known bool) {
	switch t {
	case SessionConfirmed, Data:
		return false, true
	case SessionRequest, SessionCreated, PeerTestPacket, Retry, TokenRequest, HolePunch:
		return true, true
	}
	return false, false
}

// outside reports whether packets of this type are sealed by the intro key, outside of handshake and session.
func (t Type) outside() bool {
	return t == PeerTestPacket || t == Retry || t == TokenRequest || t == HolePunch
}

// A Header is the first 16 or 32 bytes of a packet, before they are masked ("Packet Header"):
//
//	DestID 8 | Number 4 | Type 1 | long:             Version 1 | NetworkID 1 | Flag 1 | SrcID 8 | Token 8
//	                             | SessionConfirmed: fragment number and total 1 | flags 2
//	                             | Data:             flag, bit 0 "acknowledge at once" 1 | flags 2
//
// Every bit of it is kept, used or not, as the AEAD covers it. IDs and tokens are opaque to both sides, so their byte order never
// matters but for those derived from a nonce (NonceIDs), which are big-endian.
type Header struct {
	DestID, SrcID ConnectionID
	Token         Token
	Number        uint32
	Type          Type

	Version   byte // long header: that of a Variant
	NetworkID byte // long header
	Flag      byte // long header: unused

	Frag  byte   // short header: fragment info of SessionConfirmed, flags of Data
	Flags uint16 // short header: unused
}

const dataFlagImmediate = 0x01

// Immediate reports whether the sender of a data packet wants an Ack at once.
func (h *Header) Immediate() bool { return h.Type == Data && h.Frag&dataFlagImmediate != 0 }

// Fragment returns number and total of a SessionConfirmed.
func (h *Header) Fragment() (number, total int) { return int(h.Frag >> 4), int(h.Frag & 0x0f) }

// put writes the header, 16 or 32 bytes, and returns how many.
func (h *Header) put(b []byte) int {
	binary.BigEndian.PutUint64(b, uint64(h.DestID))
	binary.BigEndian.PutUint32(b[8:], h.Number)
	b[12] = byte(h.Type)
	if long, _ := h.Type.long(); !long {
		b[13] = h.Frag
		binary.BigEndian.PutUint16(b[14:], h.Flags)
		return ShortHeaderLen
	}
	b[13], b[14], b[15] = h.Version, h.NetworkID, h.Flag
	binary.BigEndian.PutUint64(b[16:], uint64(h.SrcID))
	binary.BigEndian.PutUint64(b[24:], uint64(h.Token))
	return LongHeaderLen
}

// take reads what put wrote. b has as many bytes as the type asks for.
func (h *Header) take(b []byte) {
	*h = Header{
		DestID: ConnectionID(binary.BigEndian.Uint64(b)),
		Number: binary.BigEndian.Uint32(b[8:]),
		Type:   Type(b[12]),
	}
	if long, _ := h.Type.long(); !long {
		h.Frag, h.Flags = b[13], binary.BigEndian.Uint16(b[14:])
		return
	}
	h.Version, h.NetworkID, h.Flag = b[13], b[14], b[15]
	h.SrcID = ConnectionID(binary.BigEndian.Uint64(b[16:]))
	h.Token = Token(binary.BigEndian.Uint64(b[24:]))
}

// NonceIDs are the connection IDs of packets that belong to the nonce of a peer test or a relay: PeerTest 5 and 7 and HolePunch
// have them as destination and source, PeerTest 6 the other way round ("Peer Test", "Hole Punch"). So does the SessionRequest after
// an introduction: the specification has random ones there, but i2pd keeps those of the HolePunch, and emissary expects that.
func NonceIDs(nonce uint32) (dest, src ConnectionID) {
	dest = ConnectionID(nonce)<<32 | ConnectionID(nonce)
	return dest, ^dest
}

// RetryTo is the header of the Retry to a TokenRequest or a SessionRequest with this header; number is random.
func RetryTo(request Header, token Token, number uint32) Header {
	return Header{
		DestID: request.SrcID, SrcID: request.DestID, Token: token, Number: number,
		Type: Retry, Version: request.Version, NetworkID: request.NetworkID,
	}
}
