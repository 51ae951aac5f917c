// Package api is the contract between clove and its tunnel plugins (layer 0): plugin.proto, the code generated from it (pb), and
// what both sides need to keep it: the handshake, the preamble of a data connection, packet frames, and the errors.
//
// This package is stable within a protocol version.
package api
