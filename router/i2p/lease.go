package i2p

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A Lease tells where a destination receives messages: the inbound gateway of one of its tunnels, until End.
type Lease struct {
	Gateway Hash
	Tunnel  TunnelID
	End     time.Time
}

// Lengths of the two forms of a lease.
const (
	leaseHeadLen = HashLen + 4
	leaseLen     = leaseHeadLen + DateLen    // Common Structures, Lease
	lease2Len    = leaseHeadLen + SecondsLen // Common Structures, Lease2
)

// parseLeases reads the count and the leases, each of which has size bytes.
//
//	count 1 | (gateway hash 32 | tunnel id 4 | end 8 or 4) ...
func parseLeases(b []byte, size int) (leases []Lease, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, ErrTruncated
	}
	n := int(b[0])
	b = b[1:]
	if n > MaxLeases {
		return nil, nil, fmt.Errorf("%w: %d leases", ErrTooLarge, n)
	}
	if len(b) < n*size {
		return nil, nil, ErrTruncated
	}
	leases = make([]Lease, n)
	for i := range leases {
		l := &leases[i]
		l.Gateway = Hash(b[:HashLen])
		l.Tunnel = TunnelID(binary.BigEndian.Uint32(b[HashLen:]))
		if size == leaseLen {
			l.End, b, err = ParseDate(b[leaseHeadLen:])
		} else {
			l.End, b, err = ParseSeconds(b[leaseHeadLen:])
		}
		if err != nil {
			return nil, nil, fmt.Errorf("lease %d: %w", i, err)
		}
	}
	return leases, b, nil
}

// appendLease2 appends the form of LeaseSet2.
func (l Lease) appendLease2(b []byte) []byte {
	b = append(b, l.Gateway[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(l.Tunnel))
	return AppendSeconds(b, l.End)
}

// lastEnd is the end of the lease that lives longest, the zero Time for none.
func lastEnd(leases []Lease) (t time.Time) {
	for _, l := range leases {
		if l.End.After(t) {
			t = l.End
		}
	}
	return t
}
