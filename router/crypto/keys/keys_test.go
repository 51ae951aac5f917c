package keys_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"clove.i2p/router/crypto/keys"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("bad vector %q", s)
	}
	return b
}

var signatures = []struct {
	name          string
	t             keys.SigType
	private       string // empty: cannot sign
	public        string
	msg           string // hexadecimal
	sig           string
	deterministic bool
}{
	{
		"RFC 8032, 7.1, test 1", keys.SigEd25519,
		"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b", true,
	},
	{
		"RFC 8032, 7.1, test 3", keys.SigEd25519,
		"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a", true,
	},
	{
		"RFC 6979, A.2.5, SHA-256", keys.SigECDSAP256,
		"C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
		"60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6 7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299", "73616d706c65",
		"EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716 F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8", false,
	},
	{
		"RFC 6979, A.2.6, SHA-384", keys.SigECDSAP384,
		"6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
		"EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13 8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720", "73616d706c65",
		"94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46 99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8", false,
	},
	{
		"RFC 6979, A.2.7, SHA-512", keys.SigECDSAP521,
		"00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538",
		"01894550D0785932E00EAA23B694F213F8C3121F86DC97A04E5A7167DB4E5BCD371123D46E45DB6B5D5370A7F20FB633155D38FFA16D2BD761DCAC474B9A2F5023A4 00493101C962CD4D2FDDF782285E64584139C2F91B47F87FF82354D6630F746A28A0DB25741B5B34A828008B22ACC23F924FAAFBD4D33F81EA66956DFEAA2BFDFCF5", "73616d706c65",
		"00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91F9B15BF05EC36E377FA 00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A", false,
	},
	{
		"OpenSSL 3 with the I2P group, SHA-1", keys.SigDSASHA1, "",
		"7120ee5552112fd1ddd34d1648382c405fdb56a23f97477a82d31d25fcdf10b45c796ea5a688e8d889c973867be3dbf57c3aace8d09e3120302d0df516997046044ed8271b151d8aca41559e5d74c0a2b99ffb05cb7fb5a9b53b5a2a11a32aa9564650c1020b659dc3f1aed91ad542a50b2399c38fa711f5438490fc08bca350", "73616d706c65",
		"4e7d9f1175f0c375cc375c6f38669806bbf1ac9946f48ea92b995cd6d5fdb4fa8712872ff52de1ad", false,
	},
}

func TestSignaturesFromOutside(t *testing.T) {
	for _, v := range signatures {
		t.Run(v.name, func(t *testing.T) {
			public := keys.SigningPublicKey{Type: v.t, Key: unhex(t, v.public)}
			msg, sig := unhex(t, v.msg), unhex(t, v.sig)
			if !public.Verify(msg, sig) {
				t.Fatal("not accepted")
			}
			if public.Verify(append(msg, 0), sig) {
				t.Error("accepted for another message")
			}
			for _, i := range []int{0, len(sig)/2 - 1, len(sig) / 2, len(sig) - 1} {
				bad := bytes.Clone(sig)
				bad[i] ^= 1
				if public.Verify(msg, bad) {
					t.Errorf("accepted with byte %d altered", i)
				}
			}
			if public.Verify(msg, sig[1:]) || public.Verify(msg, append(sig, 0)) || public.Verify(msg, nil) {
				t.Error("accepted with a wrong length")
			}
			if v.private == "" {
				return
			}
			private, err := keys.NewSigningPrivateKey(v.t, unhex(t, v.private))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(private.Public().Key, public.Key) {
				t.Errorf("public key %x", private.Public().Key)
			}
			own := private.Sign(msg)
			if !public.Verify(msg, own) {
				t.Error("own signature not accepted")
			}
			if v.deterministic && !bytes.Equal(own, sig) {
				t.Errorf("own signature %x", own)
			}
		})
	}
}

func TestGeneratedKeysSignAndComeBack(t *testing.T) {
	for _, typ := range []keys.SigType{keys.SigEd25519, keys.SigRed25519, keys.SigECDSAP256, keys.SigECDSAP384, keys.SigECDSAP521} {
		k, err := keys.GenerateSigning(typ)
		if err != nil {
			t.Fatal(err)
		}
		again, err := keys.NewSigningPrivateKey(typ, k.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		sig := again.Sign([]byte("x"))
		if len(sig) != typ.SignatureLen() || len(k.Public().Key) != typ.PublicKeyLen() || len(k.Bytes()) != typ.PrivateKeyLen() {
			t.Errorf("%v: lengths %d %d %d", typ, len(sig), len(k.Public().Key), len(k.Bytes()))
		}
		if !k.Public().Verify([]byte("x"), sig) || k.Type() != typ {
			t.Errorf("%v: signature of the stored key not accepted", typ)
		}
	}
	if _, err := keys.GenerateSigning(keys.SigDSASHA1); !errors.Is(err, keys.ErrUnsupported) {
		t.Errorf("DSA: %v", err)
	}
	if _, err := keys.NewSigningPrivateKey(keys.SigEd25519, make([]byte, 31)); !errors.Is(err, keys.ErrLength) {
		t.Errorf("short key: %v", err)
	}
	if _, err := keys.NewSigningPrivateKey(keys.SigECDSAP256, make([]byte, 32)); err == nil {
		t.Error("scalar 0 accepted")
	}
}

func TestUnusableKeysVerifyNothing(t *testing.T) {
	for _, typ := range []keys.SigType{0, 1, 2, 3, 4, 7, 8, 11, 65535} {
		for _, fill := range []byte{0, 0xff} {
			if fill == 0 && (typ == keys.SigEd25519 || typ == keys.SigRed25519) {
				continue // a key of low order, which is its owner's own loss
			}
			key := bytes.Repeat([]byte{fill}, typ.PublicKeyLen())
			sig := bytes.Repeat([]byte{fill}, typ.SignatureLen())
			if (keys.SigningPublicKey{Type: typ, Key: key}).Verify([]byte("x"), sig) {
				t.Errorf("%v accepts %x", typ, fill)
			}
		}
		if (keys.SigningPublicKey{Type: typ}).Verify([]byte("x"), nil) {
			t.Errorf("%v accepts nothing", typ)
		}
	}
}

// RFC 7748, section 6.1.
func TestX25519AgreesWithRFC7748(t *testing.T) {
	alice := keys.NewX25519([32]byte(unhex(t, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")))
	bob := keys.NewX25519([32]byte(unhex(t, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")))
	if p := alice.Public(); !bytes.Equal(p[:], unhex(t, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")) {
		t.Errorf("public key %x", p)
	}
	want := unhex(t, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
	for _, side := range []struct{ own, other keys.X25519Private }{{alice, bob}, {bob, alice}} {
		if s, err := side.own.DH(side.other.Public()); err != nil || !bytes.Equal(s[:], want) {
			t.Errorf("shared secret %x, %v", s, err)
		}
	}
}

func TestLowOrderPublicKeysAreRefused(t *testing.T) {
	k, err := keys.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{ // Wycheproof, x25519_test.json, flag LowOrderPublic
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		if _, err := k.DH(keys.X25519Public(unhex(t, s))); err == nil {
			t.Errorf("%s accepted", s)
		}
	}
}

func TestPrivateKeysDoNotPrint(t *testing.T) {
	x := keys.NewX25519([32]byte(bytes.Repeat([]byte{0xab}, 32)))
	s, err := keys.NewSigningPrivateKey(keys.SigEd25519, bytes.Repeat([]byte{0xab}, 32))
	if err != nil {
		t.Fatal(err)
	}
	type inside struct {
		X keys.X25519Private
		s keys.SigningPrivateKey
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "x", x, "s", s)
	for _, f := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&b, f+"\n", x)
		fmt.Fprintf(&b, f+"\n", s)
		fmt.Fprintf(&b, f+"\n", inside{x, s})
		fmt.Fprintf(&b, f+"\n", &inside{x, s})
	}
	for _, secret := range []string{"abab", "171 171", "0xab"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%q in %s", secret, b.String())
		}
	}
}

func TestTypesHaveNamesAndLengths(t *testing.T) {
	if keys.SigType(9).Known() || keys.SigType(9).String() != "SigType(9)" || keys.SigType(9).SignatureLen() != 0 {
		t.Error("unknown signature type")
	}
	if keys.EncX25519.PublicKeyLen() != 32 || keys.EncElGamal.PublicKeyLen() != 256 || keys.EncType(99).PublicKeyLen() != 0 {
		t.Error("encryption types")
	}
	if keys.SigEd25519.String() != "EdDSA_SHA512_Ed25519" || keys.EncMLKEM768.String() != "MLKEM768_X25519" {
		t.Error("names")
	}
}

func BenchmarkVerifyEd25519(b *testing.B) {
	k, err := keys.GenerateSigning(keys.SigEd25519)
	if err != nil {
		b.Fatal(err)
	}
	msg := make([]byte, 800)
	sig := k.Sign(msg)
	for b.Loop() {
		k.Public().Verify(msg, sig)
	}
}
