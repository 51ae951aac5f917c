//go:build !purego

#include "textflag.h"

// Four rounds with four words of the message and the constants at off.
#define ROUNDS(off, m) \
	MOVOU       off(DX), X0; \
	PADDD       m, X0; \
	SHA256RNDS2 X0, X1, X2; \
	PSHUFD      $0x0e, X0, X0; \
	SHA256RNDS2 X0, X2, X1

// The four words of the schedule behind those in m0 to m3, into m0.
#define SCHEDULE(m0, m1, m2, m3) \
	SHA256MSG1 m1, m0; \
	MOVO       m3, X7; \
	PALIGNR    $4, m2, X7; \
	PADDD      X7, m0; \
	SHA256MSG2 m3, m0

#define SIXTEEN(off) \
	ROUNDS(off, X3); \
	SCHEDULE(X3, X4, X5, X6); \
	ROUNDS(off+16, X4); \
	SCHEDULE(X4, X5, X6, X3); \
	ROUNDS(off+32, X5); \
	SCHEDULE(X5, X6, X3, X4); \
	ROUNDS(off+48, X6); \
	SCHEDULE(X6, X3, X4, X5)

// func supported() bool
//
// CPUID leaf 7, EBX bit 29.
TEXT ·supported(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	XORL AX, AX
	XORL CX, CX
	CPUID
	CMPL AX, $7
	JCS  done
	MOVL $7, AX
	XORL CX, CX
	CPUID
	SHRL $29, BX
	ANDL $1, BX
	MOVB BX, ret+0(FP)

done:
	RET

// func compress(to, from *state, b *block)
//
// The instructions want the words of a state as ABEF and CDGH, here in X1 and X2, the first in the highest place.
TEXT ·compress(SB), NOSPLIT, $0-24
	MOVQ    to+0(FP), AX
	MOVQ    from+8(FP), BX
	MOVQ    b+16(FP), SI
	LEAQ    constants<>(SB), DX
	MOVOU   0(BX), X1             // DCBA
	MOVOU   16(BX), X2            // HGFE
	PSHUFD  $0xb1, X1, X1         // CDAB
	PSHUFD  $0x1b, X2, X2         // EFGH
	MOVO    X1, X7
	PALIGNR $8, X2, X1            // ABEF
	PBLENDW $0xf0, X7, X2         // CDGH
	MOVO    X1, X8
	MOVO    X2, X9
	MOVOU   swap<>(SB), X7
	MOVOU   0(SI), X3
	MOVOU   16(SI), X4
	MOVOU   32(SI), X5
	MOVOU   48(SI), X6
	PSHUFB  X7, X3
	PSHUFB  X7, X4
	PSHUFB  X7, X5
	PSHUFB  X7, X6
	SIXTEEN(0)
	SIXTEEN(64)
	SIXTEEN(128)
	ROUNDS(192, X3)
	ROUNDS(208, X4)
	ROUNDS(224, X5)
	ROUNDS(240, X6)
	PADDD   X8, X1
	PADDD   X9, X2
	PSHUFD  $0x1b, X1, X1         // FEBA
	PSHUFD  $0xb1, X2, X2         // DCHG
	MOVO    X1, X7
	PBLENDW $0xf0, X2, X1         // DCBA
	PALIGNR $8, X7, X2            // HGFE
	MOVOU   X1, 0(AX)
	MOVOU   X2, 16(AX)
	RET

// The bytes of four words from big endian.
DATA swap<>+0(SB)/8, $0x0405060700010203
DATA swap<>+8(SB)/8, $0x0c0d0e0f08090a0b
GLOBL swap<>(SB), RODATA|NOPTR, $16

// FIPS 180-4, section 4.2.2.
DATA constants<>+0(SB)/8, $0x71374491428a2f98
DATA constants<>+8(SB)/8, $0xe9b5dba5b5c0fbcf
DATA constants<>+16(SB)/8, $0x59f111f13956c25b
DATA constants<>+24(SB)/8, $0xab1c5ed5923f82a4
DATA constants<>+32(SB)/8, $0x12835b01d807aa98
DATA constants<>+40(SB)/8, $0x550c7dc3243185be
DATA constants<>+48(SB)/8, $0x80deb1fe72be5d74
DATA constants<>+56(SB)/8, $0xc19bf1749bdc06a7
DATA constants<>+64(SB)/8, $0xefbe4786e49b69c1
DATA constants<>+72(SB)/8, $0x240ca1cc0fc19dc6
DATA constants<>+80(SB)/8, $0x4a7484aa2de92c6f
DATA constants<>+88(SB)/8, $0x76f988da5cb0a9dc
DATA constants<>+96(SB)/8, $0xa831c66d983e5152
DATA constants<>+104(SB)/8, $0xbf597fc7b00327c8
DATA constants<>+112(SB)/8, $0xd5a79147c6e00bf3
DATA constants<>+120(SB)/8, $0x1429296706ca6351
DATA constants<>+128(SB)/8, $0x2e1b213827b70a85
DATA constants<>+136(SB)/8, $0x53380d134d2c6dfc
DATA constants<>+144(SB)/8, $0x766a0abb650a7354
DATA constants<>+152(SB)/8, $0x92722c8581c2c92e
DATA constants<>+160(SB)/8, $0xa81a664ba2bfe8a1
DATA constants<>+168(SB)/8, $0xc76c51a3c24b8b70
DATA constants<>+176(SB)/8, $0xd6990624d192e819
DATA constants<>+184(SB)/8, $0x106aa070f40e3585
DATA constants<>+192(SB)/8, $0x1e376c0819a4c116
DATA constants<>+200(SB)/8, $0x34b0bcb52748774c
DATA constants<>+208(SB)/8, $0x4ed8aa4a391c0cb3
DATA constants<>+216(SB)/8, $0x682e6ff35b9cca4f
DATA constants<>+224(SB)/8, $0x78a5636f748f82ee
DATA constants<>+232(SB)/8, $0x8cc7020884c87814
DATA constants<>+240(SB)/8, $0xa4506ceb90befffa
DATA constants<>+248(SB)/8, $0xc67178f2bef9a3f7
GLOBL constants<>(SB), RODATA|NOPTR, $256
