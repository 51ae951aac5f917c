// Package netns is what networks of real processes are made of: a network namespace that has nothing but loopback, so
// that nothing can reach the public network, children that die with us, clove among them, and a web server for the
// eepsites. It needs Linux, and root or unprivileged user namespaces.
//
// A program that wants such a network calls Reexec first and lets the copy of itself, which is Inside, do the work:
//
//	main -> Reexec ........................ waits, returns the exit code
//	           main -> Inside, RaiseLoopback -> Start, StartClove, StartWeb -> Stop
//
// Each process has one goroutine here, which waits for its end. Read namespace.go and then process.go.
package netns
