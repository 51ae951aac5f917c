package ntcp2

import (
	"encoding/binary"
	"fmt"
	"time"
)

// requestOptions are the 16 bytes that SessionRequest carries encrypted (ntcp2.md, "SessionRequest"):
//
//	network id 1 | version 1 | padding length 2 | length of SessionConfirmed part 2, 2 | 0 2 | time 4 | 0 4
//
// The message is X (32, obfuscated), in a hybrid handshake the encapsulation key with its tag (816, 1200 or 1584), the options
// with their tag (32) and the padding.
type requestOptions struct {
	networkID     byte // 0: not said
	version       byte
	padding       uint16
	confirmed2    uint16
	timeInitiator uint32 // seconds, rounded
}

const version = 2

func (o requestOptions) append(b []byte) []byte {
	b = append(b, o.networkID, o.version)
	b = binary.BigEndian.AppendUint16(b, o.padding)
	b = binary.BigEndian.AppendUint16(b, o.confirmed2)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, o.timeInitiator)
	return append(b, 0, 0, 0, 0)
}

// parseRequestOptions ignores the reserved bytes, which the specification keeps for later options.
func parseRequestOptions(b []byte, maxPadding int) (o requestOptions, err error) {
	if len(b) != optionsLen {
		return o, fmt.Errorf("%w: %d bytes of options", errMalformed, len(b))
	}
	o = requestOptions{
		networkID:     b[0],
		version:       b[1],
		padding:       binary.BigEndian.Uint16(b[2:]),
		confirmed2:    binary.BigEndian.Uint16(b[4:]),
		timeInitiator: binary.BigEndian.Uint32(b[8:]),
	}
	switch {
	case o.version != version:
		return o, fmt.Errorf("%w: version %d", errMalformed, o.version)
	case int(o.padding) > maxPadding:
		return o, fmt.Errorf("%w: %d bytes of padding", errMalformed, o.padding)
	case o.confirmed2 < tagLen+blockHeaderLen+1 || o.confirmed2 > maxConfirmed2:
		return o, fmt.Errorf("%w: %d bytes of SessionConfirmed", errMalformed, o.confirmed2)
	}
	return o, nil
}

// seconds rounds to the nearest second, lest the network's clocks drift ("DateTime").
func seconds(t time.Time) uint32 { return uint32(t.Add(500 * time.Millisecond).Unix()) }

// skew is how far a peer's seconds are ahead of our time.
func skew(peer uint32, now time.Time) time.Duration { return time.Unix(int64(peer), 0).Sub(now) }

func skewed(d time.Duration) bool { return d > maxSkew || d < -maxSkew }
