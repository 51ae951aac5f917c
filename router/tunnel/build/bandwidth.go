package build

import (
	"strconv"

	"clove.i2p/router/i2p"
)

// Bandwidth is what a creator asks of a hop, in KB per second at the tunnel layer; 0 is not asked (specification,
// section "Tunnel Bandwidth Parameters").
type Bandwidth struct {
	Min       uint32 // "m": reject with less
	Requested uint32 // "r"
	Limit     uint32 // "l": the gateway of an inbound tunnel takes no more; sent to it only
}

// IsZero reports whether nothing is asked.
func (b Bandwidth) IsZero() bool { return b == Bandwidth{} }

// valid reports whether m <= r <= l for those that are given.
func (b Bandwidth) valid() bool {
	top := b.Requested
	if top == 0 {
		top = b.Min
	}
	return b.Min <= top && (b.Limit == 0 || top <= b.Limit)
}

func (b Bandwidth) mapping(role Role) i2p.Mapping {
	if role != InboundGateway {
		b.Limit = 0
	}
	m := map[string]string{}
	for key, v := range map[string]uint32{"m": b.Min, "r": b.Requested, "l": b.Limit} {
		if v > 0 {
			m[key] = strconv.FormatUint(uint64(v), 10)
		}
	}
	return newMapping(m)
}

func newMapping(m map[string]string) i2p.Mapping {
	mapping, err := i2p.NewMapping(m)
	if err != nil {
		panic("build: " + err.Error())
	}
	return mapping
}

// parseBandwidth reads the options of a request. Options are a courtesy: what is malformed or contradicts itself
// counts as not given, and older routers have padding there.
func parseBandwidth(options []byte) Bandwidth {
	m, _, err := i2p.ParseMapping(options)
	if err != nil {
		return Bandwidth{}
	}
	b := Bandwidth{Min: kbps(m, "m"), Requested: kbps(m, "r"), Limit: kbps(m, "l")}
	if !b.valid() {
		return Bandwidth{}
	}
	return b
}

func kbps(m i2p.Mapping, key string) uint32 {
	n, err := strconv.ParseUint(m.Get(key), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}
