//go:build race

package flow_test

// race: the race detector makes sync.Pool drop items at random.
const race = true
