package ntcp2

import (
	"slices"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2p"
)

// A hybrid handshake adds ML-KEM to X25519 (proposal 169, "NTCP2"): SessionRequest carries an encapsulation key (e1) and
// SessionCreated a ciphertext (ekem1), each a frame of its own between the ephemeral key and the options. A recording of
// the session stays closed to whoever solves discrete logarithms later. Who the peers are still rests on X25519.
//
// Both kinds share a port. The responder's address names the one size that it takes (pq=3, 4 or 5); the initiator, who
// needs to publish nothing, sets the top bit of X, which no key has. The version in the options stays 2.
//
// A handshake without ML-KEM has the zero mlkem.Params throughout this package.

// protocolName of the Noise handshake: XK or its hybrid form, AES obfuscation of the ephemeral keys, padding in handshake
// messages 2 and 3.
func protocolName(p mlkem.Params) string {
	switch p {
	case mlkem.MLKEM512:
		return "Noise_XKhfsaesobfse+hs2+hs3_25519+MLKEM512_ChaChaPoly_SHA256"
	case mlkem.MLKEM768:
		return "Noise_XKhfsaesobfse+hs2+hs3_25519+MLKEM768_ChaChaPoly_SHA256"
	case mlkem.MLKEM1024:
		return "Noise_XKhfsaesobfse+hs2+hs3_25519+MLKEM1024_ChaChaPoly_SHA256"
	}
	return "Noise_XKaesobfse+hs2+hs3_25519_ChaChaPoly_SHA256"
}

// cryptoName is the key exchange as SessionStatus says it.
func cryptoName(p mlkem.Params) string {
	if p == 0 {
		return "X25519"
	}
	return "X25519+" + p.String()
}

// requestLen is the length of SessionRequest without padding: 64, or 880, 1264 and 1648 bytes.
func requestLen(p mlkem.Params) int {
	if p == 0 {
		return messageLen
	}
	return messageLen + p.EncapsulationKeySize() + tagLen
}

// createdLen is the length of SessionCreated without padding: 64, or 848, 1168 and 1648 bytes. (The proposal's table forgets the
// options in the last two.)
func createdLen(p mlkem.Params) int {
	if p == 0 {
		return messageLen
	}
	return messageLen + p.CiphertextSize() + tagLen
}

// acceptedPadding is the most padding that we take with a message of n bytes ("Maximum Padding"): as much as the message.
func acceptedPadding(p mlkem.Params, n int) int {
	if p == 0 {
		return maxAcceptedPadding
	}
	return n
}

// sentPadding is the most padding that we send with a message of n bytes. It is less than what the proposal allows by the 32
// bytes about which readers of its table may differ.
func sentPadding(p mlkem.Params, n int) int {
	if p == 0 {
		return maxRequestPadding
	}
	return min(n-optionsLen-tagLen, maxHybridPadding)
}

// hybridMark is the bit of X that says that the handshake is a hybrid one. The transcript has X without it.
const hybridMark = 0x80

func marked(x keys.X25519Public, p mlkem.Params) keys.X25519Public {
	if p != 0 {
		x[keyLen-1] |= hybridMark
	}
	return x
}

// pqOption is what an address publishes as pq.
func pqOption(p mlkem.Params) string {
	switch p {
	case mlkem.MLKEM512:
		return "3"
	case mlkem.MLKEM768:
		return "4"
	case mlkem.MLKEM1024:
		return "5"
	}
	return ""
}

// hybridOf is the handshake for an address: the hybrid one that it offers if it is among ours, the plain one otherwise. One
// size is all that an address can offer, as the mark does not say which; a list of them means nothing.
func hybridOf(a i2p.RouterAddress, ours []mlkem.Params) mlkem.Params {
	pq := a.Options.Get("pq")
	if at := slices.IndexFunc(ours, func(p mlkem.Params) bool { return pqOption(p) == pq }); at >= 0 {
		return ours[at]
	}
	return 0
}

// best leaves, if there are hybrid targets, only these, in the order of our preference. A plain one beside them would be
// where a dial ends up when somebody stops the hybrid handshake on the way.
func best(all []target, ours []mlkem.Params) []target {
	hybrid := slices.DeleteFunc(slices.Clone(all), func(t target) bool { return t.hybrid == 0 })
	if len(hybrid) == 0 {
		return all
	}
	slices.SortStableFunc(hybrid, func(a, b target) int {
		return slices.Index(ours, a.hybrid) - slices.Index(ours, b.hybrid)
	})
	return hybrid
}
