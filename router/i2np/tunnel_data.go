package i2np

import (
	"encoding/binary"
	"errors"
	"fmt"

	"clove.i2p/router/i2p"
)

// TunnelDataLen is the payload of TunnelData in bytes: the tunnel id and 1024 bytes.
const TunnelDataLen = 4 + 1024

var errTunnelZero = errors.New("tunnel id 0")

// TunnelData goes from hop to hop in a tunnel (i2np.md, "TunnelData"):
//
//	tunnel id 4 | data 1024
type TunnelData struct {
	Tunnel i2p.TunnelID
	Data   []byte // 1024 bytes, lent
}

// Type is TypeTunnelData.
func (TunnelData) Type() Type { return TypeTunnelData }

// ParseTunnelData parses a payload.
func ParseTunnelData(payload []byte) (TunnelData, error) {
	r := reader{b: payload}
	m := TunnelData{Tunnel: i2p.TunnelID(r.uint32()), Data: r.bytes(TunnelDataLen - 4)}
	if r.err == nil && m.Tunnel == 0 {
		r.err = errTunnelZero
	}
	if err := r.end(TypeTunnelData); err != nil {
		return TunnelData{}, err
	}
	return m, nil
}

// Append appends the payload. It panics if Data is not 1024 bytes.
func (m TunnelData) Append(b []byte) []byte {
	if len(m.Data) != TunnelDataLen-4 {
		panic(fmt.Sprintf("i2np: tunnel data of %d bytes", len(m.Data)))
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(m.Tunnel)), m.Data...)
}
