package i2np

// ShortTunnelBuild asks each hop of a tunnel in a record of its own (i2np.md,
// "ShortTunnelBuild"; tunnel-creation-ecies.md). For an inbound tunnel it is also the reply:
//
//	number 1 (1 to 8) | records of 218 each
type ShortTunnelBuild struct {
	Records []byte // number * 218 bytes, lent
}

// Type is TypeShortTunnelBuild.
func (ShortTunnelBuild) Type() Type { return TypeShortTunnelBuild }

// ParseShortTunnelBuild parses a payload. The records are not opened.
func ParseShortTunnelBuild(payload []byte) (ShortTunnelBuild, error) {
	p, err := parseRecords(TypeShortTunnelBuild, payload, ShortRecordLen)
	return ShortTunnelBuild{p}, err
}

// Append appends the payload. It panics if the records are none, too many or not whole.
func (m ShortTunnelBuild) Append(b []byte) []byte { return appendRecords(b, m.Records, ShortRecordLen) }

// Len is the number of records.
func (m ShortTunnelBuild) Len() int { return len(m.Records) / ShortRecordLen }

// Record lends record i.
func (m ShortTunnelBuild) Record(i int) []byte {
	return m.Records[i*ShortRecordLen : (i+1)*ShortRecordLen]
}
