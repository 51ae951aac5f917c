// Package scaffold writes the beginning of a plugin: a Go module that builds, is tested, and passes the conformance suite. It is what
// "clove plugin new" runs. The files are in templates.
package scaffold
