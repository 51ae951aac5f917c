// Package sandbox starts a plugin's process so that it can reach what clove hands to it and nothing else (layer 0 of the plugin
// host).
//
// A Binary is opened once, and what is executed is what was hashed: the child copies the content from that descriptor into a file
// system of its own, and hashes it again on the way. Start runs clove's own program again as a shim (Main), which builds the
// confinement from the inside and then becomes the plugin:
//
//	clove --clone: user, mount, net, pid, ipc, uts--> shim: mounts, limits, capabilities --exec--> plugin
//	         <----- socketpair: Spec; ready with a descriptor of the socket folder; go; end at exec ------->
//
// Goroutines: one for each Process, locked to an OS thread for as long as the child lives, because the kernel ends the child with
// the thread that started it (PR_SET_PDEATHSIG).
package sandbox
