//go:build !race

package host_test

const memory = 0
