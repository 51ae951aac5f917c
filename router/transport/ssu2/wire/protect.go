package wire

import (
	"encoding/binary"
	"fmt"
)

// Header protection ("Header Encryption KDF"). Bytes 0 to 7 are masked by the first key and the 12 bytes that end 12 before the
// end of the packet, bytes 8 to 15 by the second key and the last 12 bytes; what follows of a long header, and the ephemeral key
// of SessionRequest and SessionCreated, is XORed with the second key's stream of nonce zero. (The drawings of the specification
// say "n: 1" there; its KDF says zero, and zero it is.)

// headerMasks makes both masks of a packet, firstMask and secondMask one each; it has at least MinPacket bytes.
func headerMasks(packet []byte, k1, k2 *HeaderKey) (m1, m2 uint64) {
	return twoMasks(k1, k2, packet[len(packet)-2*nonceLen:], packet[len(packet)-nonceLen:])
}

func firstMask(packet []byte, k *HeaderKey) uint64  { return k.mask(packet[len(packet)-2*nonceLen:]) }
func secondMask(packet []byte, k *HeaderKey) uint64 { return k.mask(packet[len(packet)-nonceLen:]) }

// DestID is the destination connection ID of a packet, for which k1 is the intro key of its receiver, or of the sender for
// SessionCreated and Retry. It does not change the packet, and is false for one shorter than MinPacket. It is not authenticated.
func DestID(packet []byte, k1 *HeaderKey) (ConnectionID, bool) {
	if len(packet) < MinPacket {
		return 0, false
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], binary.LittleEndian.Uint64(packet)^firstMask(packet, k1))
	return ConnectionID(binary.BigEndian.Uint64(b[:])), true
}

// OpenHeader is the header of a packet under two keys, not authenticated. It does not change the packet. ErrShort, or ErrType for
// a type that does not exist: keys that are not the packet's give one that does with odds of 8 in 256, so callers ask for more:
// version, network and IDs of a long header, zeros in a short one.
func OpenHeader(packet []byte, k1, k2 *HeaderKey) (h Header, err error) {
	var b [LongHeaderLen]byte
	if len(packet) < MinPacket {
		return h, ErrShort
	}
	m1, m2 := headerMasks(packet, k1, k2)
	binary.LittleEndian.PutUint64(b[:], binary.LittleEndian.Uint64(packet)^m1)
	binary.LittleEndian.PutUint64(b[8:], binary.LittleEndian.Uint64(packet[8:])^m2)
	long, known := Type(b[12]).long()
	switch {
	case !known:
		return h, fmt.Errorf("%w: %d", ErrType, b[12])
	case long && len(packet) < OutsideOverhead+MinPayload:
		return h, fmt.Errorf("%w: %v: %w", ErrType, Type(b[12]), ErrShort) // no packet of this type under these keys
	case long:
		copy(b[ShortHeaderLen:], packet[ShortHeaderLen:LongHeaderLen])
		k2.xor(b[ShortHeaderLen:])
	}
	h.take(b[:])
	return h, nil
}

// protect masks the header of a finished packet, of which the first n bytes from 16 on are XORed as well: 0, 16 or 48.
func protect(packet []byte, k1, k2 *HeaderKey, n int) {
	m1, m2 := headerMasks(packet, k1, k2)
	binary.LittleEndian.PutUint64(packet, binary.LittleEndian.Uint64(packet)^m1)
	binary.LittleEndian.PutUint64(packet[8:], binary.LittleEndian.Uint64(packet[8:])^m2)
	if n > 0 {
		k2.xor(packet[ShortHeaderLen : ShortHeaderLen+n])
	}
}

// checkLong checks what every long header must have.
func (h *Header) checkLong(networkID byte) error {
	if _, ok := VariantOf(h.Version); !ok {
		return fmt.Errorf("%w: %d", ErrVersion, h.Version)
	}
	if h.NetworkID != networkID {
		return fmt.Errorf("%w: %d", ErrNetwork, h.NetworkID)
	}
	if h.SrcID == h.DestID {
		return ErrConnectionID
	}
	return nil
}
