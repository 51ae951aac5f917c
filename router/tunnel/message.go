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
	var both [roomLen + ivLen]byte
	n := copy(both[:], room)
	n += copy(both[n:], iv)
	sum := sha256.Sum256(both[:n])
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
	i2np.NewHeader(i2np.TypeTunnelGateway, now).PutShort(w)
	w = w[i2np.ShortHeaderLen:]
	binary.BigEndian.PutUint32(w, uint32(id))
	binary.BigEndian.PutUint16(w[4:], uint16(size))
	h.PutStandard(w[i2np.TunnelGatewayHeaderLen:], payload)
	return nil
}

// UnwrapGateway turns a TunnelGateway message in flight into the message inside, in flight, and returns the tunnel
// that it is for. In place; after an error b is unchanged.
func UnwrapGateway(b *buf.Buf) (i2p.TunnelID, error) {
	h, payload, err := i2np.ParseShort(b.Bytes())
	if err != nil {
		return 0, fmt.Errorf("tunnel: unwrap: %w", err)
	}
	if h.Type != i2np.TypeTunnelGateway {
		return 0, fmt.Errorf("tunnel: unwrap: %v is no tunnel gateway message", h.Type)
	}
	m, err := i2np.ParseTunnelGateway(payload)
	if err != nil {
		return 0, fmt.Errorf("tunnel: unwrap: %w", err)
	}
	inner, _, rest, err := i2np.ParseStandardUnchecked(m.Message)
	if err != nil {
		return 0, fmt.Errorf("tunnel: unwrap: %w", err)
	}
	if len(rest) > 0 {
		return 0, fmt.Errorf("%w: %d bytes behind the message", ErrMalformed, len(rest))
	}
	b.TrimFront(i2np.TunnelGatewayHeaderLen + i2np.StandardHeaderLen)
	inner.PutShort(b.Bytes())
	return m.Tunnel, nil
}
