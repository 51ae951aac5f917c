package tunnel

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// The tunnel message (tunnel-message.md). Encrypted, as it goes from hop to hop:
//
//	tunnel id 4 | IV 16 | encrypted data 1008
//
// The data in clear:
//
//	checksum 4 | nonzero padding | 0 | { delivery instructions | fragment } ...
//
// The checksum is the first 4 bytes of the SHA-256 of everything behind the zero byte, followed by the IV.
const (
	// MessageSize is the whole in bytes.
	MessageSize = idLen + LayeredSize
	// LayeredSize is what the layers cover: IV and data.
	LayeredSize = ivLen + dataLen
	// FlightSize is a tunnel message in flight: with the short header of TunnelData.
	FlightSize = i2np.ShortHeaderLen + MessageSize

	idLen       = 4
	ivLen       = 16
	dataLen     = 1008
	checksumLen = 4
	// roomLen is what fits behind the zero byte.
	roomLen = dataLen - checksumLen - 1
)

// Why a tunnel message is refused.
var (
	// ErrDuplicate means that the message was seen before in this tunnel.
	ErrDuplicate = errors.New("tunnel: duplicate message")
	// ErrChecksum means that the checksum is wrong: not for this tunnel, or tampered with.
	ErrChecksum = errors.New("tunnel: wrong checksum")
	// ErrMalformed means that sizes or delivery instructions make no sense.
	ErrMalformed = errors.New("tunnel: malformed message")
)

// ParseID lends the parts of a TunnelData message in flight: whose tunnel it is for, and the 1024 bytes that are
// layered.
func ParseID(flight []byte) (i2p.TunnelID, []byte, error) {
	if len(flight) != FlightSize || i2np.Type(flight[0]) != i2np.TypeTunnelData {
		return 0, nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(flight))
	}
	id := binary.BigEndian.Uint32(flight[i2np.ShortHeaderLen:])
	return i2p.TunnelID(id), flight[i2np.ShortHeaderLen+idLen:], nil
}

// putFlight writes short header and tunnel id at the start of a TunnelData message. Header and expiration are
// made anew at each hop, so that they link nothing.
func putFlight(flight []byte, next i2p.TunnelID, now time.Time) {
	i2np.NewHeader(i2np.TypeTunnelData, now).PutShort(flight)
	binary.BigEndian.PutUint32(flight[i2np.ShortHeaderLen:], uint32(next))
}

// openClear checks the data of a message whose layers are off and lends what is behind the zero byte.
func openClear(msg []byte) ([]byte, error) {
	data := msg[ivLen:LayeredSize]
	zero := checksumLen
	for data[zero] != 0 {
		if zero++; zero == dataLen {
			return nil, ErrChecksum
		}
	}
	room := data[zero+1:]
	if [checksumLen]byte(data) != checksum(room, msg[:ivLen]) {
		return nil, ErrChecksum
	}
	return room, nil
}

// checksum covers the bytes behind the zero byte and then the IV.
func checksum(room, iv []byte) [checksumLen]byte {
	h := sha256.New() // stays on the stack
	h.Write(room)
	h.Write(iv)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return [checksumLen]byte(sum[:])
}

// WrapGateway turns a message in flight into the TunnelGateway message in flight that hands it to the inbound
// gateway of tunnel id. In place; it takes 22 bytes of head room.
func WrapGateway(b *buf.Buf, id i2p.TunnelID, now time.Time) error {
	h, payload, err := i2np.ParseShort(b.Bytes())
	if err != nil {
		return fmt.Errorf("tunnel: wrap: %w", err)
	}
	size := i2np.StandardHeaderLen + len(payload)
	b.Prepend(i2np.TunnelGatewayHeaderLen + i2np.StandardHeaderLen)
	w := b.Bytes()
	putGateway(w, id, size, now)
	h.PutStandard(w[i2np.ShortHeaderLen+i2np.TunnelGatewayHeaderLen:], payload)
	return nil
}

// WrapStandard is WrapGateway for a message with the standard header, which stays as it is: an outbound endpoint passes
// the checksum on. It takes 15 bytes of head room.
func WrapStandard(b *buf.Buf, id i2p.TunnelID, now time.Time) error {
	size := b.Len()
	if size > i2np.StandardHeaderLen+i2np.MaxPayload {
		return fmt.Errorf("%w: %d bytes", ErrMalformed, size)
	}
	b.Prepend(i2np.ShortHeaderLen + i2np.TunnelGatewayHeaderLen)
	putGateway(b.Bytes(), id, size, now)
	return nil
}

// putGateway writes what is in front of the message of size bytes in a TunnelGateway message in flight.
func putGateway(flight []byte, id i2p.TunnelID, size int, now time.Time) {
	i2np.NewHeader(i2np.TypeTunnelGateway, now).PutShort(flight)
	binary.BigEndian.PutUint32(flight[i2np.ShortHeaderLen:], uint32(id))
	binary.BigEndian.PutUint16(flight[i2np.ShortHeaderLen+4:], uint16(size))
}

// ParseGateway lends the message that a TunnelGateway message in flight carries, with its standard header. The checksum
// is not looked at, see i2np.ParseStandardUnchecked.
func ParseGateway(flight []byte) (i2p.TunnelID, []byte, error) {
	h, payload, err := i2np.ParseShort(flight)
	if err != nil {
		return 0, nil, fmt.Errorf("tunnel: unwrap: %w", err)
	}
	if h.Type != i2np.TypeTunnelGateway {
		return 0, nil, fmt.Errorf("tunnel: unwrap: %v is no tunnel gateway message", h.Type)
	}
	m, err := i2np.ParseTunnelGateway(payload)
	if err != nil {
		return 0, nil, fmt.Errorf("tunnel: unwrap: %w", err)
	}
	if _, err := parseStandard(m.Message); err != nil {
		return 0, nil, fmt.Errorf("tunnel: unwrap: %w", err)
	}
	return m.Tunnel, m.Message, nil
}

// UnwrapGateway turns a TunnelGateway message in flight into the message inside, in flight, and returns the tunnel
// that it is for. In place; after an error b is unchanged.
func UnwrapGateway(b *buf.Buf) (i2p.TunnelID, error) {
	id, message, err := ParseGateway(b.Bytes())
	if err != nil {
		return 0, err
	}
	b.TrimFront(b.Len() - len(message))
	return id, Shorten(b)
}

// Shorten turns a message with the standard header into one in flight. In place; after an error b is unchanged.
func Shorten(b *buf.Buf) error {
	h, err := parseStandard(b.Bytes())
	if err != nil {
		return err
	}
	b.TrimFront(i2np.StandardHeaderLen - i2np.ShortHeaderLen)
	h.PutShort(b.Bytes())
	return nil
}

// parseStandard checks that b is one message with the standard header.
func parseStandard(b []byte) (i2np.Header, error) {
	h, _, rest, err := i2np.ParseStandardUnchecked(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes behind the message", ErrMalformed, len(rest))
	}
	return h, err
}
