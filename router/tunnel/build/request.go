package build

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// Role of a hop.
type Role uint8

// The three roles.
const (
	Participant Role = iota
	InboundGateway
	OutboundEndpoint
)

func (r Role) String() string {
	switch r {
	case InboundGateway:
		return "gateway"
	case OutboundEndpoint:
		return "endpoint"
	}
	return "participant"
}

const (
	flagGateway  = 0x80
	flagEndpoint = 0x40
)

// request is the clear text that both forms share:
//
//	receive tunnel 4 | next tunnel 4 | next router 32 | (long: layer key 32, IV key 32, reply key 32, reply IV 16)
//	| flags 1 | more flags 2 (long: 3) | (short: layer encryption 1, 0 = AES) | time 4, minutes
//	| expiration 4, seconds | next message id 4 | options | random padding
type request struct {
	receiveTunnel, nextTunnel i2p.TunnelID
	next                      i2p.Hash
	flags, layerEncryption    byte
	time                      time.Time
	expiration                time.Duration
	message                   i2np.MessageID
	bandwidth                 Bandwidth
}

// put writes the request, without keys, into f.clear random bytes. The options are given, as they depend on the role.
func (r *request) put(f *form, b []byte, options i2p.Mapping) {
	rand.Read(b)
	binary.BigEndian.PutUint32(b, uint32(r.receiveTunnel))
	binary.BigEndian.PutUint32(b[4:], uint32(r.nextTunnel))
	copy(b[8:], r.next[:])
	clear(b[f.flags:f.time]) // more flags; layer encryption AES
	b[f.flags] = r.flags
	binary.BigEndian.PutUint32(b[f.time:], uint32(r.time.Unix()/60))
	binary.BigEndian.PutUint32(b[f.time+4:], uint32(r.expiration/time.Second))
	binary.BigEndian.PutUint32(b[f.time+8:], uint32(r.message))
	options.Append(b[:f.options])
}

func parseRequest(f *form, b []byte) (r request) {
	r.receiveTunnel = i2p.TunnelID(binary.BigEndian.Uint32(b))
	r.nextTunnel = i2p.TunnelID(binary.BigEndian.Uint32(b[4:]))
	copy(r.next[:], b[8:])
	r.flags = b[f.flags]
	if f.layerEncryption > 0 {
		r.layerEncryption = b[f.layerEncryption]
	}
	r.time = time.Unix(int64(binary.BigEndian.Uint32(b[f.time:]))*60, 0)
	r.expiration = time.Duration(binary.BigEndian.Uint32(b[f.time+4:])) * time.Second
	r.message = i2np.MessageID(binary.BigEndian.Uint32(b[f.time+8:]))
	r.bandwidth = parseBandwidth(b[f.options:])
	return r
}
