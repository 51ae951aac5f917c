package udp

const (
	// BatchSize is how many packets a Read returns at best; a longer slice is of no use. With 1,400-byte packets it is
	// half a millisecond of a gigabit.
	BatchSize = 128

	// MaxPacket is the longest packet that Read returns where it does not come from UDP_GRO, in bytes. SSU2 packets have
	// at most 1,500 bytes with their IP header; what is longer is counted and dropped.
	MaxPacket = 2048

	// bufferSize is asked for in both directions, in bytes: at 100 MB/s the reader may be away for 40 ms. The kernel
	// keeps twice of it, for its own structures. Without privileges it gives up to net.core.rmem_max.
	bufferSize = 4 << 20
)
