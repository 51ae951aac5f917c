// Package portmap asks the gateway of a home network to forward ports to this router, so that peers outside reach it: with
// PCP (RFC 6887), NAT-PMP (RFC 6886) or UPnP (Internet Gateway Device 1 and 2).
//
//	Run -> find the gateway -> map each port -> renew at half of the lease ... -> remove what was mapped, when ctx ends
//	         ^------------- the gateway failed or is another one -----------'
//
// A gateway that restarts and forgets gets the mappings again with the next renewal, half an hour later at most: epochs are not read.
//
// Run is the only goroutine but for those of the search, and owns everything; Status may be called from anywhere. It speaks with
// the gateway only, never beyond it, and believes nothing: answers are bounded in size and time, and what a device says
// about where to find it must be on the device itself. Read mapper.go first.
package portmap
