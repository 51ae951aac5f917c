//go:build !purego

#include "textflag.h"

// One round of one block with its round key in memory.
#define ENC(off, key, x) VAESENC off(key), x, x
#define DEC(off, key, x) VAESDEC off(key), x, x

// func substitute(w uint32) uint32
//
// Four equal columns make ShiftRows do nothing, and a zero key leaves SubBytes.
TEXT ·substitute(SB), NOSPLIT, $0-12
	MOVL        w+0(FP), AX
	VMOVD       AX, X0
	VPSHUFD     $0, X0, X0
	VPXOR       X1, X1, X1
	VAESENCLAST X1, X0, X0
	VMOVD       X0, AX
	MOVL        AX, ret+8(FP)
	RET

// func invertColumns(dst, src *[16]byte)
TEXT ·invertColumns(SB), NOSPLIT, $0-16
	MOVQ    dst+0(FP), AX
	MOVQ    src+8(FP), BX
	VMOVDQU (BX), X0
	VAESIMC X0, X0
	VMOVDQU X0, (AX)
	RET

// func encryptBlock(s *schedule, p *byte)
TEXT ·encryptBlock(SB), NOSPLIT, $0-16
	MOVQ        s+0(FP), AX
	MOVQ        p+8(FP), R8
	VMOVDQU     (R8), X0
	VPXOR       (AX), X0, X0
	ENC(16, AX, X0)
	ENC(32, AX, X0)
	ENC(48, AX, X0)
	ENC(64, AX, X0)
	ENC(80, AX, X0)
	ENC(96, AX, X0)
	ENC(112, AX, X0)
	ENC(128, AX, X0)
	ENC(144, AX, X0)
	ENC(160, AX, X0)
	ENC(176, AX, X0)
	ENC(192, AX, X0)
	ENC(208, AX, X0)
	VAESENCLAST 224(AX), X0, X0
	VMOVDQU     X0, (R8)
	RET

// func decryptBlock(s *schedule, p *byte)
TEXT ·decryptBlock(SB), NOSPLIT, $0-16
	MOVQ        s+0(FP), AX
	MOVQ        p+8(FP), R8
	VMOVDQU     (R8), X0
	VPXOR       (AX), X0, X0
	DEC(16, AX, X0)
	DEC(32, AX, X0)
	DEC(48, AX, X0)
	DEC(64, AX, X0)
	DEC(80, AX, X0)
	DEC(96, AX, X0)
	DEC(112, AX, X0)
	DEC(128, AX, X0)
	DEC(144, AX, X0)
	DEC(160, AX, X0)
	DEC(176, AX, X0)
	DEC(192, AX, X0)
	DEC(208, AX, X0)
	VAESDECLAST 224(AX), X0, X0
	VMOVDQU     X0, (R8)
	RET

// func encryptChain(s *schedule, p *byte, n int)
//
// X0 is the chain, X1 to X15 the round keys, but that X10 holds a block of the message before it is a round key.
TEXT ·encryptChain(SB), NOSPLIT, $0-24
	MOVQ    s+0(FP), AX
	MOVQ    p+8(FP), R8
	MOVQ    n+16(FP), R12
	TESTQ   R12, R12
	JZ      done
	VMOVDQU (R8), X0
	VMOVDQU (AX), X1
	VMOVDQU 16(AX), X2
	VMOVDQU 32(AX), X3
	VMOVDQU 48(AX), X4
	VMOVDQU 64(AX), X5
	VMOVDQU 80(AX), X6
	VMOVDQU 96(AX), X7
	VMOVDQU 112(AX), X8
	VMOVDQU 128(AX), X9
	VMOVDQU 160(AX), X11
	VMOVDQU 176(AX), X12
	VMOVDQU 192(AX), X13
	VMOVDQU 208(AX), X14
	VMOVDQU 224(AX), X15

loop:
	VPXOR       16(R8), X1, X10 // waits for nothing, unlike the chain
	VPXOR       X10, X0, X0
	VMOVDQU     144(AX), X10
	VAESENC     X2, X0, X0
	VAESENC     X3, X0, X0
	VAESENC     X4, X0, X0
	VAESENC     X5, X0, X0
	VAESENC     X6, X0, X0
	VAESENC     X7, X0, X0
	VAESENC     X8, X0, X0
	VAESENC     X9, X0, X0
	VAESENC     X10, X0, X0
	VAESENC     X11, X0, X0
	VAESENC     X12, X0, X0
	VAESENC     X13, X0, X0
	VAESENC     X14, X0, X0
	VAESENCLAST X15, X0, X0
	VMOVDQU     X0, 16(R8)
	ADDQ        $16, R8
	DECQ        R12
	JNZ         loop

done:
	RET

// One round of the four chains, each with its own key.
#define ENC4(off) \
	VAESENC off(AX), X0, X0; \
	VAESENC off(BX), X1, X1; \
	VAESENC off(CX), X2, X2; \
	VAESENC off(DX), X3, X3

// func encryptChains(s0, s1, s2, s3 *schedule, p0, p1, p2, p3 *byte, n int)
TEXT ·encryptChains(SB), NOSPLIT, $0-72
	MOVQ    s0+0(FP), AX
	MOVQ    s1+8(FP), BX
	MOVQ    s2+16(FP), CX
	MOVQ    s3+24(FP), DX
	MOVQ    p0+32(FP), R8
	MOVQ    p1+40(FP), R9
	MOVQ    p2+48(FP), R10
	MOVQ    p3+56(FP), R11
	MOVQ    n+64(FP), R12
	TESTQ   R12, R12
	JZ      done4
	VMOVDQU (R8), X0
	VMOVDQU (R9), X1
	VMOVDQU (R10), X2
	VMOVDQU (R11), X3

loop4:
	VPXOR       16(R8), X0, X0
	VPXOR       16(R9), X1, X1
	VPXOR       16(R10), X2, X2
	VPXOR       16(R11), X3, X3
	VPXOR       (AX), X0, X0
	VPXOR       (BX), X1, X1
	VPXOR       (CX), X2, X2
	VPXOR       (DX), X3, X3
	ENC4(16)
	ENC4(32)
	ENC4(48)
	ENC4(64)
	ENC4(80)
	ENC4(96)
	ENC4(112)
	ENC4(128)
	ENC4(144)
	ENC4(160)
	ENC4(176)
	ENC4(192)
	ENC4(208)
	VAESENCLAST 224(AX), X0, X0
	VAESENCLAST 224(BX), X1, X1
	VAESENCLAST 224(CX), X2, X2
	VAESENCLAST 224(DX), X3, X3
	VMOVDQU     X0, 16(R8)
	VMOVDQU     X1, 16(R9)
	VMOVDQU     X2, 16(R10)
	VMOVDQU     X3, 16(R11)
	ADDQ        $16, R8
	ADDQ        $16, R9
	ADDQ        $16, R10
	ADDQ        $16, R11
	DECQ        R12
	JNZ         loop4

done4:
	RET

// One round of eight blocks with the same key.
#define DEC8(off) \
	VMOVDQU off(AX), X9; \
	VAESDEC X9, X0, X0; \
	VAESDEC X9, X1, X1; \
	VAESDEC X9, X2, X2; \
	VAESDEC X9, X3, X3; \
	VAESDEC X9, X4, X4; \
	VAESDEC X9, X5, X5; \
	VAESDEC X9, X6, X6; \
	VAESDEC X9, X7, X7

// func decryptGroups(s *schedule, p *byte, vector *[16]byte, n int)
//
// X8 is the block of ciphertext before the group.
TEXT ·decryptGroups(SB), NOSPLIT, $0-32
	MOVQ    s+0(FP), AX
	MOVQ    p+8(FP), R8
	MOVQ    vector+16(FP), R9
	MOVQ    n+24(FP), R12
	VMOVDQU (R9), X8

loop8:
	VMOVDQU     (AX), X9
	VPXOR       (R8), X9, X0
	VPXOR       16(R8), X9, X1
	VPXOR       32(R8), X9, X2
	VPXOR       48(R8), X9, X3
	VPXOR       64(R8), X9, X4
	VPXOR       80(R8), X9, X5
	VPXOR       96(R8), X9, X6
	VPXOR       112(R8), X9, X7
	DEC8(16)
	DEC8(32)
	DEC8(48)
	DEC8(64)
	DEC8(80)
	DEC8(96)
	DEC8(112)
	DEC8(128)
	DEC8(144)
	DEC8(160)
	DEC8(176)
	DEC8(192)
	DEC8(208)
	VMOVDQU     224(AX), X9
	VAESDECLAST X9, X0, X0
	VAESDECLAST X9, X1, X1
	VAESDECLAST X9, X2, X2
	VAESDECLAST X9, X3, X3
	VAESDECLAST X9, X4, X4
	VAESDECLAST X9, X5, X5
	VAESDECLAST X9, X6, X6
	VAESDECLAST X9, X7, X7
	VPXOR       X8, X0, X0
	VPXOR       (R8), X1, X1
	VPXOR       16(R8), X2, X2
	VPXOR       32(R8), X3, X3
	VPXOR       48(R8), X4, X4
	VPXOR       64(R8), X5, X5
	VPXOR       80(R8), X6, X6
	VPXOR       96(R8), X7, X7
	VMOVDQU     112(R8), X8
	VMOVDQU     X0, (R8)
	VMOVDQU     X1, 16(R8)
	VMOVDQU     X2, 32(R8)
	VMOVDQU     X3, 48(R8)
	VMOVDQU     X4, 64(R8)
	VMOVDQU     X5, 80(R8)
	VMOVDQU     X6, 96(R8)
	VMOVDQU     X7, 112(R8)
	ADDQ        $128, R8
	DECQ        R12
	JNZ         loop8
	VMOVDQU     X8, (R9)
	RET
