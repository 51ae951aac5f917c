// Package mlkem is the key encapsulation mechanism ML-KEM (FIPS 203) in its three sizes behind one type, as the hybrid
// handshakes of I2P use it (proposal 169): NTCP2 and SSU2 between routers, the ratchet between destinations. It chooses
// between two implementations and holds none: crypto/mlkem for 768 and 1024, circl for 512.
//
//	Alice: GenerateKey(p) -> key.EncapsulationKey()  ------->  Bob: Encapsulate(p, key) -> secret
//	       key.Decapsulate(ciphertext) -> secret     <-------       ciphertext
//
// A ciphertext that was not made for a key gives a secret that nobody else has, not an error (implicit rejection): the
// authenticated message that follows it is what fails. No goroutine, no lock; a PrivateKey may be used by several
// goroutines at once.
package mlkem
