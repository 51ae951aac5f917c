// Package e2e runs the real clove program, as its users do: commands and their errors (testdata/script), the demo network
// read through both proxies, bytes that no program would send, and the end by a signal.
package e2e
