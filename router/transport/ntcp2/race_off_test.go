//go:build !race

package ntcp2

const raceEnabled = false
