package i2np

// Data holds the bytes of a client: a gzip member with ports and protocol. It exists only inside garlic (i2np.md,
// "Data"):
//
//	length 4 | data of that length
type Data struct {
	Data []byte // lent
}

// Type is TypeData.
func (Data) Type() Type { return TypeData }

// ParseData parses a payload.
func ParseData(payload []byte) (Data, error) {
	p, err := parseSized(TypeData, payload)
	return Data{p}, err
}

// Append appends the payload.
func (m Data) Append(b []byte) []byte { return appendSized(b, m.Data) }
