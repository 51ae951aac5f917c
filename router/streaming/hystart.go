package streaming

import "time"

// hystart ends slow start when the round trip begins to grow (HyStart++, RFC 9406), and knows whether it has grown
// later on.
type hystart struct {
	round, last time.Duration // least of this round trip and of the one before, 0 if none
	samples     int
	cautious    bool // growing slowly, to see whether the round trip falls again
	baseline    time.Duration
	rounds      int // of being cautious
}

const (
	hystartMin     = 4 * time.Millisecond
	hystartMax     = 16 * time.Millisecond
	hystartSamples = 8
	hystartRounds  = 5
	hystartDivisor = 4
)

// observe notes the round trip of an acknowledgement.
func (h *hystart) observe(a Acked) {
	if a.Round {
		h.last, h.round, h.samples = h.round, 0, 0
	}
	if a.RTT > 0 {
		h.samples++
		if h.round == 0 || a.RTT < h.round {
			h.round = a.RTT
		}
	}
}

// acked returns the factor to grow by in slow start, and whether to leave it.
func (h *hystart) acked(a Acked) (grow float64, leave bool) {
	if a.Round && h.cautious {
		h.rounds++
	}
	h.observe(a)
	if h.samples >= hystartSamples && h.last > 0 {
		bound := max(hystartMin, min(h.last/8, hystartMax))
		switch {
		case !h.cautious && h.round >= h.last+bound:
			h.cautious, h.baseline, h.rounds = true, h.round, 0
		case h.cautious && h.round < h.baseline:
			h.cautious = false
		}
	}
	if !h.cautious {
		return 1, false
	}
	return 1.0 / hystartDivisor, h.rounds >= hystartRounds
}

// queueing reports whether the round trip is above its minimum by more than the path's own variation.
func (h *hystart) queueing(least time.Duration) bool {
	round := h.last
	if h.samples >= hystartSamples {
		round = h.round
	}
	return least > 0 && round > least+max(least/4, 5*time.Millisecond)
}
