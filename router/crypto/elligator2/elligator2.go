package elligator2

import (
	"crypto/ecdh"
	"crypto/rand"

	"filippo.io/edwards25519/field"
)

// Bits of the random byte that Encode takes: the two high bits of the representative, and which of the two
// representatives of a key is meant.
const (
	highBits   = 0xc0
	otherBit   = 0x01
	montgomery = 486662 // A of y^2 = x^3 + Ax^2 + x
)

var (
	one      = new(field.Element).One()
	a        = new(field.Element).Mult32(one, montgomery)
	aSquared = new(field.Element).Square(a)
)

// GenerateKey returns an X25519 key pair whose public key has a representative, and that with random high bits. It
// takes two tries on average.
func GenerateKey() (private, public, representative [32]byte) {
	for {
		rand.Read(private[:])
		k, err := ecdh.X25519().NewPrivateKey(private[:])
		if err != nil {
			panic("elligator2: 32 bytes refused as X25519 private key")
		}
		public = [32]byte(k.PublicKey().Bytes())
		var random [1]byte
		rand.Read(random[:])
		if r, ok := Encode(public, random[0]); ok {
			return private, public, r
		}
	}
}

// Encode returns a representative of a public key, and false if it has none. Bits 7 and 6 of random become the high bits;
// bit 0 chooses between the two representatives.
func Encode(public [32]byte, random byte) (representative [32]byte, ok bool) {
	public[31] &= 0x7f
	x, err := new(field.Element).SetBytes(public[:])
	if err != nil {
		panic("elligator2: 32 bytes refused as field element")
	}
	// r = sqrt(-x / 2(x+A)), or with x and x+A exchanged for the other representative.
	xa := new(field.Element).Add(x, a)
	none := xa.Equal(new(field.Element))
	x.Swap(xa, int(random&otherBit))
	num := new(field.Element).Negate(x)
	den := new(field.Element).Add(xa, xa)
	r, square := new(field.Element).SqrtRatio(num, den)
	// The root that is at most (p-1)/2: doubling the other one wraps around and becomes odd.
	r.Select(new(field.Element).Negate(r), r, new(field.Element).Add(r, r).IsNegative())
	representative = [32]byte(r.Bytes())
	representative[31] |= random & highBits
	return representative, square&^none == 1
}

// Decode returns the public key that a representative stands for. Any 32 bytes stand for one.
func Decode(representative [32]byte) (public [32]byte) {
	representative[31] &^= highBits
	r, err := new(field.Element).SetBytes(representative[:])
	if err != nil {
		panic("elligator2: 32 bytes refused as field element")
	}
	// With w = 1 + 2r^2 and v = -A/w, v is the answer if v^3 + Av^2 + v is a square, else -v-A. That number times w^4
	// is -Aw(A^2 - A^2 w + w^2), which needs no inversion. w is never 0, since -1/2 is not a square.
	w := new(field.Element).Square(r)
	w.Add(w, w).Add(w, one)
	t := new(field.Element).Subtract(w, aSquared)
	t.Multiply(t, w).Add(t, aSquared).Multiply(t, w).Multiply(t, a).Negate(t)
	_, square := new(field.Element).SqrtRatio(t, one)
	v := new(field.Element).Invert(w)
	v.Multiply(v, a).Negate(v)
	other := new(field.Element).Negate(new(field.Element).Add(v, a))
	return [32]byte(v.Select(v, other, square).Bytes())
}
