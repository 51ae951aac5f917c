package i2np

import (
	"encoding/binary"
	"math"
	"time"
)

// DeliveryStatus acknowledges a message (i2np.md, "DeliveryStatus"):
//
//	message id 4 | timestamp in milliseconds 8
type DeliveryStatus struct {
	MessageID MessageID
	Timestamp time.Time
}

// Type is TypeDeliveryStatus.
func (DeliveryStatus) Type() Type { return TypeDeliveryStatus }

// ParseDeliveryStatus parses a payload.
func ParseDeliveryStatus(payload []byte) (DeliveryStatus, error) {
	r := reader{b: payload}
	id, ms := MessageID(r.uint32()), r.uint64()
	if err := r.end(TypeDeliveryStatus); err != nil {
		return DeliveryStatus{}, err
	}
	return DeliveryStatus{MessageID: id, Timestamp: time.UnixMilli(int64(min(ms, math.MaxInt64)))}, nil
}

// Append appends the payload.
func (m DeliveryStatus) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(m.MessageID))
	return binary.BigEndian.AppendUint64(b, uint64(max(m.Timestamp.UnixMilli(), 0)))
}
