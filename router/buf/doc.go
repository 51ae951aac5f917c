// Package buf holds the packet buffers that messages travel in (layer 0).
//
// A Buf is a byte slice with head and tail room, so that each layer puts its header in front and its
// authentication tag behind without a copy, and encrypts in place.
//
// Ownership: a *Buf in a signature moves ownership to the callee; a []byte lends, and the callee may not keep
// it. The owner calls Release exactly once on every path. A second Release panics. With the build tag bufcheck
// released bytes are poisoned and the buffers in use are counted.
package buf
