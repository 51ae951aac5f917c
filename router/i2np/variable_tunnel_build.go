package i2np

// VariableTunnelBuild asks each hop of a tunnel in a record of its own (i2np.md,
// "VariableTunnelBuild"; tunnel-creation-ecies.md). Used where a hop is older than 0.9.51:
//
//	number 1 (1 to 8) | records of 528 each
type VariableTunnelBuild struct {
	Records []byte // number * 528 bytes, lent
}

// Type is TypeVariableTunnelBuild.
func (VariableTunnelBuild) Type() Type { return TypeVariableTunnelBuild }

// ParseVariableTunnelBuild parses a payload. The records are not opened.
func ParseVariableTunnelBuild(payload []byte) (VariableTunnelBuild, error) {
	p, err := parseRecords(TypeVariableTunnelBuild, payload, LongRecordLen)
	return VariableTunnelBuild{p}, err
}

// Append appends the payload. It panics if the records are none, too many or not whole.
func (m VariableTunnelBuild) Append(b []byte) []byte {
	return appendRecords(b, m.Records, LongRecordLen)
}

// Len is the number of records.
func (m VariableTunnelBuild) Len() int { return len(m.Records) / LongRecordLen }

// Record lends record i.
func (m VariableTunnelBuild) Record(i int) []byte {
	return m.Records[i*LongRecordLen : (i+1)*LongRecordLen]
}
