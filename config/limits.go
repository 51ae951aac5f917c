package config

import "time"

const (
	// maxFileLen bounds a configuration file; the example has 4 KiB.
	maxFileLen = 1 << 20
	// maxTunnelLength is what a build message of 8 records allows, with one left for the creator (Tunnel Creation
	// ECIES); maxTunnelQuantity is the number of leases in a LeaseSet.
	maxTunnelLength   = 7
	maxTunnelQuantity = 16
	// minTimeout is shorter than any stream over tunnels takes: less is a unit that was forgotten.
	minTimeout = time.Second
	// maxDestinations and maxPrewarm bound what one proxy takes of the network: each destination keeps six tunnels.
	maxDestinations = 256
	maxPrewarm      = 8
	// maxName is the longest name of a tunnel or plugin; names are parts of file names.
	maxName = 48
)
