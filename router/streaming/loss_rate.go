package streaming

// lossRate is the share of packets lost lately, an average over about lossMemory packets.
type lossRate struct{ rate float64 }

const (
	lossMemory = 128
	// lossTolerable: 10 % of random loss stay below it (the average deviates by 2 %), and what is sent beyond a hard
	// limit is bounded by it.
	lossTolerable = 0.15
)

func (l *lossRate) acked(n int) {
	for range min(n, lossMemory) {
		l.rate -= l.rate / lossMemory
	}
}

func (l *lossRate) lost(n int) {
	for range min(n, lossMemory) {
		l.rate += (1 - l.rate) / lossMemory
	}
}

func (l *lossRate) tooMany() bool { return l.rate > lossTolerable }
