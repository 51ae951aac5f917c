// Package interoptest gives a test of a single package one real i2pd, in a network namespace (tests/netns/netnstest).
package interoptest
