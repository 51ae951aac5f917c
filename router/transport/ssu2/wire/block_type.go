package wire

import "fmt"

// BlockType is the first byte of a block ("Payload Format").
type BlockType uint8

// Block types. 224 to 253 are for experiments; unknown ones are ignored.
const (
	BlockDateTime          BlockType = 0
	BlockOptions           BlockType = 1
	BlockRouterInfo        BlockType = 2
	BlockI2NP              BlockType = 3
	BlockFirstFragment     BlockType = 4
	BlockFollowOnFragment  BlockType = 5
	BlockTermination       BlockType = 6
	BlockRelayRequest      BlockType = 7
	BlockRelayResponse     BlockType = 8
	BlockRelayIntro        BlockType = 9
	BlockPeerTest          BlockType = 10
	BlockNextNonce         BlockType = 11
	BlockAck               BlockType = 12
	BlockAddress           BlockType = 13
	BlockIntroKey          BlockType = 14 // reserved, nobody sends it
	BlockRelayTagRequest   BlockType = 15
	BlockRelayTag          BlockType = 16
	BlockNewToken          BlockType = 17
	BlockPathChallenge     BlockType = 18
	BlockPathResponse      BlockType = 19
	BlockFirstPacketNumber BlockType = 20
	BlockCongestion        BlockType = 21
	BlockPadding           BlockType = 254
)

var blockNames = [...]string{
	"DateTime", "Options", "RouterInfo", "I2NP", "FirstFragment", "FollowOnFragment", "Termination", "RelayRequest", "RelayResponse",
	"RelayIntro", "PeerTest", "NextNonce", "Ack", "Address", "IntroKey", "RelayTagRequest", "RelayTag", "NewToken", "PathChallenge",
	"PathResponse", "FirstPacketNumber", "Congestion",
}

func (t BlockType) String() string {
	switch {
	case int(t) < len(blockNames):
		return blockNames[t]
	case t == BlockPadding:
		return "Padding"
	}
	return fmt.Sprintf("Block(%d)", uint8(t))
}
