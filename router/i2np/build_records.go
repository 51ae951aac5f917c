package i2np

import "fmt"

// Sizes of a build record in bytes (i2np.md, "VariableTunnelBuild", "ShortTunnelBuild").
const (
	LongRecordLen  = 528
	ShortRecordLen = 218
)

// parseRecords parses what the four build messages have in common, and lends the records:
//
//	number 1 (1 to 8) | records of size each
func parseRecords(t Type, payload []byte, size int) ([]byte, error) {
	r := reader{b: payload}
	n := int(r.uint8())
	if r.err == nil && (n == 0 || n > MaxBuildRecords) {
		r.err = fmt.Errorf("%d records", n)
	}
	records := r.bytes(n * size)
	if err := r.end(t); err != nil {
		return nil, err
	}
	return records, nil
}

func appendRecords(b, records []byte, size int) []byte {
	n := len(records) / size
	if n*size != len(records) || n == 0 || n > MaxBuildRecords {
		panic(fmt.Sprintf("i2np: %d bytes of build records of %d each", len(records), size))
	}
	return append(append(b, byte(n)), records...)
}
