package ratchet

import "time"

// Lengths of the three messages (1b, 1g, 1h), in bytes.
const (
	TagLen = 8
	MACLen = 16

	// NewSessionHead: ephemeral key 32, static key 32 and its MAC 16.
	NewSessionHead = 80
	// ReplyHead: tag 8, ephemeral key 32, MAC 16.
	ReplyHead = TagLen + 32 + MACLen
	// ExistingHead: the tag.
	ExistingHead = TagLen

	// MaxPayload is the largest payload before encryption: a ChaChaPoly frame of 65,535 without its MAC (5).
	MaxPayload = 65535 - MACLen
)

// Tag sets (4).
const (
	// maxMessages in one tag set. The specification allows 65,536, i2pd stops reading earlier.
	maxMessages = 65533
	// RatchetAfter messages in a tag set the next key is offered: as i2pd does; early enough that 57,000 messages
	// remain for the exchange.
	RatchetAfter = 8192
	// maxKeyID and thereby the last tag set, 65,535 (4a).
	maxKeyID   = 32767
	maxTagSets = 65535

	// windowMin is the look-ahead of a fresh tag set: three initial windows of streaming.
	windowMin = 32
	// windowMax bounds it. All streams between two destinations share a session: eight with windows of 255 packets may
	// lose all of them in a queue that overflows or with a dead tunnel, and send them again under new tags; a
	// shorter look-ahead would end the session there, and all streams with it. 16 bytes per tag.
	windowMax = 2048
	// windowCrowded bounds it while more than half of the tags that an Index may hold are in use.
	windowCrowded = 160
	// windowReply is the look-ahead for New Session Replies. They come only until we answer one.
	windowReply = 16
	// maxReceiveSets: the newest and those before it. At 8192 messages each, a third is older than any reordering.
	maxReceiveSets = 3
	// previousSetLifetime: how long a replaced receiving tag set is still read (4a: about 3 minutes).
	previousSetLifetime = 3 * time.Minute
)

// Handshake.
const (
	// MaxReplies to one New Session: each is a key pair, two DH and a tag set of its own until Alice picks one.
	MaxReplies = 24
	// replyTagsLifetime: how long replies to a New Session are read, and its ephemeral key is kept.
	replyTagsLifetime = 3 * time.Minute
	// ReplyWithin: how long after a New Session we still reply to it, well before its sender forgets the tags.
	ReplyWithin = 2 * time.Minute
	// MaxAge and MaxAhead of the DateTime of a New Session: older or newer ones are refused, so the replay filter has
	// to remember that long only (5, DateTime).
	MaxAge   = 5 * time.Minute
	MaxAhead = 2 * time.Minute
)

// Life of an established session.
const (
	// SendIdle: we stop sending in a session that idled this long: the peer keeps its tags for 10 minutes.
	SendIdle = 8 * time.Minute
	// ReceiveIdle: after this without any message the session ends.
	ReceiveIdle = 10 * time.Minute
	// probeAfter: having sent but heard nothing for so long, ask for an acknowledgement.
	probeAfter = 30 * time.Second
	// staleAfter: having sent but heard nothing for so long, the peer has probably lost the session.
	staleAfter = 90 * time.Second
)

// Control blocks.
const (
	// ackDelay: an explicit acknowledgement waits so long for a message to ride on. (The specification suggests a
	// hundred milliseconds; i2pd repeats its LeaseSet after 4 s without one.)
	ackDelay = 200 * time.Millisecond
	// idleDelay: a reply or a first message without data is sent after this.
	idleDelay = time.Second
	// nextKeyInterval between repetitions of a NextKey block in messages that flow; without messages, keyRetry.
	nextKeyInterval = 250 * time.Millisecond
	keyRetry        = 2 * time.Second
	// maxKeyRetries without any message to ride on.
	maxKeyRetries = 10
	// ratchetInterval: a peer makes us do a DH and a tag set at most so often; the blocks are repeated, so one that
	// came too early is only late.
	ratchetInterval = 100 * time.Millisecond
	// maxAcks queued per session; a peer that requests more loses the oldest.
	maxAcks = 16
	// maxConfirm: our own requests that wait for an acknowledgement.
	maxConfirm = 8
	// MaxCloves in a payload; more is an amplification attack.
	MaxCloves = 64
	// maxBlocks in a payload: 64 KiB could hold 21,000 empty ones.
	maxBlocks = 128
)

// Replay filter: entries (8 bytes each) per generation. Only authenticated New Sessions are remembered.
const filterEntries = 1 << 16
