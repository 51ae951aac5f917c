// Package netnstest is tests/netns for single tests: they run again in a network namespace of their own, and end with a
// reason where that, or a program, is not to be had. Packages all of whose tests are inside have a TestMain instead.
package netnstest
