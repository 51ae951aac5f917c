package i2np

// OutboundTunnelBuildReply brings the verdicts of the hops of an outbound tunnel back
// (i2np.md, "OutboundTunnelBuildReply"):
//
//	number 1 (1 to 8) | records of 218 each
type OutboundTunnelBuildReply struct {
	Records []byte // number * 218 bytes, lent
}

// Type is TypeOutboundTunnelBuildReply.
func (OutboundTunnelBuildReply) Type() Type { return TypeOutboundTunnelBuildReply }

// ParseOutboundTunnelBuildReply parses a payload. The records are not opened.
func ParseOutboundTunnelBuildReply(payload []byte) (OutboundTunnelBuildReply, error) {
	p, err := parseRecords(TypeOutboundTunnelBuildReply, payload, ShortRecordLen)
	return OutboundTunnelBuildReply{p}, err
}

// Append appends the payload. It panics if the records are none, too many or not whole.
func (m OutboundTunnelBuildReply) Append(b []byte) []byte {
	return appendRecords(b, m.Records, ShortRecordLen)
}

// Len is the number of records.
func (m OutboundTunnelBuildReply) Len() int { return len(m.Records) / ShortRecordLen }

// Record lends record i.
func (m OutboundTunnelBuildReply) Record(i int) []byte {
	return m.Records[i*ShortRecordLen : (i+1)*ShortRecordLen]
}
