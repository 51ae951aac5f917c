//go:build !race

package flow_test

const race = false
