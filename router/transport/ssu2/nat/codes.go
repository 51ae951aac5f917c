package nat

import (
	"strconv"

	"clove.i2p/router/transport/ssu2/wire"
)

// codeText says for people what a refusal means. test: of a peer test, otherwise of a relay.
func codeText(code byte, test bool) string {
	switch code {
	case wire.CodeBobUnspecified:
		return "the arranging peer would not"
	case 2:
		if test {
			return "the arranging peer has no third one at hand"
		}
		return "the introducer has banned the router"
	case wire.CodeBobLimit:
		return "the arranging peer has too much of it"
	case wire.CodeBobSignature:
		return "the arranging peer found our signature wrong"
	case 5:
		if test {
			return "the arranging peer does not take our address"
		}
		return "the introducer does not know the tag (any more)"
	case wire.RelayCodeUnknownAlice:
		return "the introducer does not know our RouterInfo"
	case wire.CodeCharlieAddress:
		return "the third peer cannot use our address"
	case wire.CodeCharlieLimit:
		return "the third peer has too much of it"
	case wire.CodeCharlieSignature:
		return "the third peer found our signature wrong"
	case wire.CodeCharlieAlreadyHasAlice:
		return "the third peer is in contact with us already"
	case wire.CodeCharlieBannedAlice:
		return "the third peer has banned us"
	case wire.CodeCharlieUnknownAlice:
		return "the third peer did not get our RouterInfo"
	}
	if wire.FromCharlie(code) {
		return "the third peer would not (code " + strconv.Itoa(int(code)) + ")"
	}
	return "refused (code " + strconv.Itoa(int(code)) + ")"
}
