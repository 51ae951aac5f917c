package i2np

import (
	"encoding/binary"
	"errors"

	"clove.i2p/router/i2p"
)

// TunnelGatewayHeaderLen is what TunnelGateway has in front of the message, in bytes.
const TunnelGatewayHeaderLen = 6

// TunnelGateway hands a message to the inbound gateway of a tunnel (i2np.md, "TunnelGateway"):
//
//	tunnel id 4 | length 2 | message of that length, with the standard header
type TunnelGateway struct {
	Tunnel  i2p.TunnelID
	Message []byte // with its standard header, unparsed, lent
}

// Type is TypeTunnelGateway.
func (TunnelGateway) Type() Type { return TypeTunnelGateway }

// ParseTunnelGateway parses a payload. The message inside is not parsed.
func ParseTunnelGateway(payload []byte) (TunnelGateway, error) {
	r := reader{b: payload}
	m := TunnelGateway{Tunnel: i2p.TunnelID(r.uint32()), Message: r.bytes(int(r.uint16()))}
	switch {
	case r.err != nil:
	case m.Tunnel == 0:
		r.err = errTunnelZero
	case len(m.Message) < StandardHeaderLen:
		r.err = errors.New("message shorter than its header")
	}
	if err := r.end(TypeTunnelGateway); err != nil {
		return TunnelGateway{}, err
	}
	return m, nil
}

// Append appends the payload. It panics if the message is longer than its length field can say.
func (m TunnelGateway) Append(b []byte) []byte {
	if len(m.Message) > StandardHeaderLen+MaxPayload {
		panic("i2np: message too long for a tunnel gateway")
	}
	b = binary.BigEndian.AppendUint32(b, uint32(m.Tunnel))
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Message)))
	return append(b, m.Message...)
}
