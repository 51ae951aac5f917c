package wire

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"

	"clove.i2p/router/crypto/noise"
)

// DataKeys are the keys of a session, seen from one side ("KDF for data phase").
type DataKeys struct {
	Send, Receive DirectionKeys
}

// DirectionKeys are the keys of packets in one direction. The first header key is the receiver's intro key.
type DirectionKeys struct {
	Data   [KeyLen]byte // AEAD
	Header [KeyLen]byte // k_header_2
}

// splitData derives both directions from the chain key of a finished handshake.
func splitData(s *noise.Symmetric) (ab, ba DirectionKeys) {
	ck := s.ChainKey()
	var kab, kba [KeyLen]byte
	noise.HKDF(ck[:], nil, "", &kab, &kba)
	noise.HKDF(kab[:], nil, "HKDFSSU2DataKeys", &ab.Data, &ab.Header)
	noise.HKDF(kba[:], nil, "HKDFSSU2DataKeys", &ba.Data, &ba.Header)
	return ab, ba
}

// A Sealer makes data packets. For one goroutine at a time.
type Sealer struct {
	aead   cipher.AEAD
	intro  *HeaderKey // the receiver's
	header *HeaderKey
	nonce  [nonceLen]byte
}

// NewSealer takes DataKeys.Send and the peer's intro key.
func NewSealer(k DirectionKeys, remote *HeaderKey) *Sealer {
	return &Sealer{aead: newAEAD(k.Data), intro: remote, header: NewHeaderKey(k.Header)}
}

// Seal makes a data packet in place and does not allocate (on amd64; elsewhere x/crypto does): packet is ShortHeaderLen bytes of
// room and at least MinPayload of payload, with TagLen more of capacity, and is returned with the tag. A number is for one packet
// only.
func (s *Sealer) Seal(packet []byte, dest ConnectionID, number uint32, immediate bool) []byte {
	if len(packet) < ShortHeaderLen+MinPayload || cap(packet)-len(packet) < TagLen {
		panic(fmt.Sprintf("wire: data packet of %d bytes, %d of room", len(packet), cap(packet)))
	}
	binary.BigEndian.PutUint64(packet, uint64(dest))
	binary.BigEndian.PutUint32(packet[8:], number)
	packet[12], packet[13], packet[14], packet[15] = byte(Data), 0, 0, 0
	if immediate {
		packet[13] = dataFlagImmediate
	}
	binary.LittleEndian.PutUint32(s.nonce[4:], number)
	header := packet[:ShortHeaderLen]
	packet = s.aead.Seal(header, s.nonce[:], packet[ShortHeaderLen:], header)
	protect(packet, s.intro, s.header, 0)
	return packet
}

// An Opener opens data packets. For one goroutine at a time.
type Opener struct {
	aead   cipher.AEAD
	header *HeaderKey
	nonce  [nonceLen]byte
}

// NewOpener takes DataKeys.Receive.
func NewOpener(k DirectionKeys) *Opener {
	return &Opener{aead: newAEAD(k.Data), header: NewHeaderKey(k.Header)}
}

// Open opens a data packet in place and, like Seal, does not allocate: dest is what DestID found, the payload aliases packet.
//
// ErrShort and ErrType leave the packet unchanged; ErrType is what a SessionConfirmed sent again looks like, with odds of 255 in
// 256. ErrAuthentication leaves zeros. Duplicates and the blocks (ParseBlocks) are the caller's.
func (o *Opener) Open(packet []byte, dest ConnectionID) (number uint32, immediate bool, payload []byte, err error) {
	if len(packet) < MinPacket {
		return 0, false, nil, ErrShort
	}
	second := binary.LittleEndian.Uint64(packet[8:]) ^ secondMask(packet, o.header)
	if Type(second>>32) != Data {
		return 0, false, nil, ErrType
	}
	binary.BigEndian.PutUint64(packet, uint64(dest))
	binary.LittleEndian.PutUint64(packet[8:], second)
	number, immediate = binary.BigEndian.Uint32(packet[8:]), packet[13]&dataFlagImmediate != 0
	binary.LittleEndian.PutUint32(o.nonce[4:], number)
	payload, err = o.aead.Open(packet[ShortHeaderLen:ShortHeaderLen], o.nonce[:], packet[ShortHeaderLen:], packet[:ShortHeaderLen])
	if err != nil {
		return 0, false, nil, ErrAuthentication
	}
	return number, immediate, payload, nil
}
