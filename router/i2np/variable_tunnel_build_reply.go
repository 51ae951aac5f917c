package i2np

// VariableTunnelBuildReply brings the verdicts of the hops back (i2np.md,
// "VariableTunnelBuildReply"):
//
//	number 1 (1 to 8) | records of 528 each
type VariableTunnelBuildReply struct {
	Records []byte // number * 528 bytes, lent
}

// Type is TypeVariableTunnelBuildReply.
func (VariableTunnelBuildReply) Type() Type { return TypeVariableTunnelBuildReply }

// ParseVariableTunnelBuildReply parses a payload. The records are not opened.
func ParseVariableTunnelBuildReply(payload []byte) (VariableTunnelBuildReply, error) {
	p, err := parseRecords(TypeVariableTunnelBuildReply, payload, LongRecordLen)
	return VariableTunnelBuildReply{p}, err
}

// Append appends the payload. It panics if the records are none, too many or not whole.
func (m VariableTunnelBuildReply) Append(b []byte) []byte {
	return appendRecords(b, m.Records, LongRecordLen)
}

// Len is the number of records.
func (m VariableTunnelBuildReply) Len() int { return len(m.Records) / LongRecordLen }

// Record lends record i.
func (m VariableTunnelBuildReply) Record(i int) []byte {
	return m.Records[i*LongRecordLen : (i+1)*LongRecordLen]
}
