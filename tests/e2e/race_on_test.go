//go:build race

package e2e_test

// race: the program is built with the race detector too, and ends with an error if it finds something.
const race = true
