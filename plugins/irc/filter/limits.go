package filter

const (
	// maxLine is a line without its tags and its CR LF (RFC 1459, 2.3).
	maxLine = 510
	// maxTags is the tags of a line from a server with their '@' and the space behind (IRCv3 message-tags).
	maxTags = 8191
	// maxSkip is how much of an over-long line is read and dropped before the connection counts as something else than IRC.
	maxSkip = 64 << 10
	// maxParams is of one message (RFC 1459, 2.3).
	maxParams = 15
	// maxPending is how many PINGs may be unanswered in one direction; of more, the oldest are forgotten. Clients ask one at
	// a time, so that only somebody who floods gets there.
	maxPending = 16
	// maxName is of the name that the filter answers with: server names are no longer (RFC 2812, 1.1).
	maxName = 63
	// maxFileName is of a DCC offer: what common file systems take.
	maxFileName = 255
	// maxDigits holds any size, position and token of DCC: 64 bits.
	maxDigits = 20
)
