package udp

const (
	// BatchSize is how many packets a Read returns at best; a longer slice is of no use. With 1,400-byte packets it is
	// half a millisecond of a gigabit.
	BatchSize = 128

	// MaxPacket is the longest packet that Read returns, in bytes. SSU2 packets have at most 1,500 bytes with their IP
	// header; what is longer is counted and dropped, and so is a row of them that UDP_GRO joined.
	MaxPacket = 2048

	// bufferSize is asked for in both directions, in bytes: at 100 MB/s the reader may be away for 40 ms. The kernel
	// keeps twice of it, for its own structures. Without privileges it gives up to net.core.rmem_max.
	bufferSize = 4 << 20
)

// Of the Linux engine.
const (
	// rows is how many messages a read takes with UDP_GRO, each of up to rowSize bytes: what the kernel joins has at most
	// 65,535, and what does not fit would be cut off.
	rows    = 32
	rowSize = 1 << 16

	// maxSegments and maxOffload bound what goes to the kernel as one message: UDP_MAX_SEGMENTS was 64 until Linux 6.9,
	// and all of it must fit into a UDP datagram.
	maxSegments = 64
	maxOffload  = 65000

	// writeBatch is how many messages a sendmmsg has at most. The kernel takes 1,024; the gain ends near 64.
	writeBatch = 64
)
