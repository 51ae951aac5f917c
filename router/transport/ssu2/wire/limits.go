package wire

import "clove.i2p/router/i2p"

// Sizes in bytes.
const (
	ShortHeaderLen = 16
	LongHeaderLen  = 32
	TagLen         = 16
	KeyLen         = 32

	// MinPayload is the least that a payload may have: the header masks are made from the last 24 bytes of a packet, of which the
	// tag has 16.
	MinPayload = 8
	// MinPacket is the shortest packet there is: short header, MinPayload, tag ("Messages").
	MinPacket = ShortHeaderLen + MinPayload + TagLen
	// DataOverhead is what a data packet has around its payload.
	DataOverhead = ShortHeaderLen + TagLen
	// OutsideOverhead is what TokenRequest, Retry, PeerTest and HolePunch have around their payload.
	OutsideOverhead = LongHeaderLen + TagLen
	// MinMTU is what every path has ("Path MTU"), with IP and UDP headers.
	MinMTU = 1280
	// minRequestPayload is DateTime and an empty block: the smallest payload of SessionRequest.
	minRequestPayload = 7 + BlockHeaderLen
	// MaxPacket is the most that fits into 1500 bytes over IPv4.
	MaxPacket = 1500 - 20 - 8

	// BlockHeaderLen is the type and the size of a block.
	BlockHeaderLen = 3
)

const (
	// MaxConfirmedFragments is how many the 4-bit field can say. i2pd takes 2: a caller that gets more packets from Confirmed
	// should make its payload smaller first (gzip).
	MaxConfirmedFragments = 15

	// maxConfirmed bounds what a handshake stores of fragments that nobody has authenticated yet: static key and tags, the
	// largest RouterInfo, and a KiB for what else is there. Without it 15 datagrams of 64 KiB each would be stored for a peer
	// that proved nothing but its address.
	maxConfirmed = confirmedStaticLen + i2p.MaxRouterInfoLen + 1024 + TagLen

	// maxConfirmedFailures is how many reassembled SessionConfirmed may fail before the handshake is dead. To make one fail takes
	// the real headers, so only somebody on the path can, who could drop the packets as well; each costs up to one DH.
	maxConfirmedFailures = 8

	// MaxOutsidePadding keeps Retry smaller than three times the request ("Retry", amplification); i2pd takes up to 31
	// everywhere.
	MaxOutsidePadding = 31
)
