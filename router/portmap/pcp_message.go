package portmap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

const (
	pcpVersion = 2
	pcpMAP     = 1
	pcpAnswer  = 0x80 // the R bit
	pcpMapLen  = 24 + 36
	maxNATPMP  = 16 // the longest answer of NAT-PMP

	protocolTCP = 6
	protocolUDP = 17
)

// pcpResults are the result codes of RFC 6887, section 7.4.
var pcpResults = [...]string{
	"success", "unsupported version", "not authorized", "malformed request", "unsupported opcode", "unsupported option",
	"malformed option", "network failure", "no resources", "unsupported protocol", "quota exceeded",
	"cannot provide external port", "address mismatch", "excessive remote peers",
}

var (
	errNotPCP = errors.New("not a PCP answer")
	// errOldVersion: the gateway speaks NAT-PMP only.
	errOldVersion = errors.New("gateway does not speak PCP")
)

// A pcpMap is the MAP opcode of RFC 6887, sections 7 and 11.1, without options.
//
//	request: version 1 | opcode 1 | 0 2 | lifetime 4 | client 16 |
//	answer:  version 1 | 0x80 + opcode 1 | 0 1 | result 1 | lifetime 4 | epoch 4 | 0 12 |
//	both:    nonce 12 | protocol 1 | 0 3 | internal port 2 | external port 2 | external address 16
type pcpMap struct {
	client   netip.Addr // in requests
	result   byte       // in answers
	lifetime uint32     // seconds
	nonce    [12]byte
	protocol byte
	internal uint16
	external netip.AddrPort // suggested or assigned
}

// request appends the 60 bytes of a request.
func (p pcpMap) request(b []byte) []byte {
	b = append(b, pcpVersion, pcpMAP, 0, 0)
	b = binary.BigEndian.AppendUint32(b, p.lifetime)
	client := p.client.As16()
	return p.body(append(b, client[:]...))
}

func (p pcpMap) body(b []byte) []byte {
	b = append(b, p.nonce[:]...)
	b = append(b, p.protocol, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, p.internal)
	b = binary.BigEndian.AppendUint16(b, p.external.Port())
	ip := p.external.Addr().As16()
	return append(b, ip[:]...)
}

// parsePCPAnswer reads an answer to a MAP request. Options behind it are skipped. errOldVersion is the answer of a server of NAT-PMP
// (RFC 6887, section 9); for a result other than success the rest is read as well, as the lifetime is that of the error.
func parsePCPAnswer(b []byte) (p pcpMap, err error) {
	if len(b) >= 4 && len(b) <= maxNATPMP && b[0] == 0 && b[1]&pcpAnswer != 0 {
		return p, errOldVersion
	}
	if len(b) < pcpMapLen || len(b) > maxDatagram || len(b)%4 != 0 || b[0] != pcpVersion || b[1] != pcpMAP|pcpAnswer {
		return p, errNotPCP
	}
	p.result, p.lifetime = b[3], binary.BigEndian.Uint32(b[4:])
	b = b[24:]
	p.nonce, p.protocol = [12]byte(b), b[12]
	p.internal = binary.BigEndian.Uint16(b[16:])
	p.external = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[20:36])).Unmap(), binary.BigEndian.Uint16(b[18:]))
	return p, nil
}

// failure is the error for a result other than success.
func (p pcpMap) failure() error {
	if p.result == 0 {
		return nil
	}
	if int(p.result) < len(pcpResults) {
		return fmt.Errorf("gateway says: %s", pcpResults[p.result])
	}
	return fmt.Errorf("gateway says: result %d", p.result)
}

func seconds(d time.Duration) uint32 { return uint32(min(d/time.Second, time.Duration(1<<31))) }
