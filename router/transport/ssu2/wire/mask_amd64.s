//go:build !purego

#include "textflag.h"

DATA first<>+0(SB)/4, $1
DATA first<>+4(SB)/4, $0
DATA first<>+8(SB)/8, $0
GLOBL first<>(SB), RODATA|NOPTR, $16

DATA constants<>+0(SB)/8, $0x3320646e61707865
DATA constants<>+8(SB)/8, $0x6b20657479622d32
DATA constants<>+16(SB)/8, $0x3320646e61707865
DATA constants<>+24(SB)/8, $0x6b20657479622d32
GLOBL constants<>(SB), RODATA|NOPTR, $32

DATA rol16<>+0(SB)/8, $0x0504070601000302
DATA rol16<>+8(SB)/8, $0x0d0c0f0e09080b0a
DATA rol16<>+16(SB)/8, $0x0504070601000302
DATA rol16<>+24(SB)/8, $0x0d0c0f0e09080b0a
GLOBL rol16<>(SB), RODATA|NOPTR, $32

DATA rol8<>+0(SB)/8, $0x0605040702010003
DATA rol8<>+8(SB)/8, $0x0e0d0c0f0a09080b
DATA rol8<>+16(SB)/8, $0x0605040702010003
DATA rol8<>+24(SB)/8, $0x0e0d0c0f0a09080b
GLOBL rol8<>(SB), RODATA|NOPTR, $32

// Four quarter rounds of both blocks: the rows of the state are Y0 to Y3, a block in each half.
#define QUARTERS \
	VPADDD  Y1, Y0, Y0;  \
	VPXOR   Y0, Y3, Y3;  \
	VPSHUFB Y6, Y3, Y3;  \
	VPADDD  Y3, Y2, Y2;  \
	VPXOR   Y2, Y1, Y1;  \
	VPSLLD  $12, Y1, Y4; \
	VPSRLD  $20, Y1, Y1; \
	VPXOR   Y4, Y1, Y1;  \
	VPADDD  Y1, Y0, Y0;  \
	VPXOR   Y0, Y3, Y3;  \
	VPSHUFB Y7, Y3, Y3;  \
	VPADDD  Y3, Y2, Y2;  \
	VPXOR   Y2, Y1, Y1;  \
	VPSLLD  $7, Y1, Y4;  \
	VPSRLD  $25, Y1, Y1; \
	VPXOR   Y4, Y1, Y1

// func masks(k1, k2 *[8]uint32, n1, n2 *byte) (m1, m2 uint64)
TEXT ·masks(SB), NOSPLIT, $0-48
	MOVQ        k1+0(FP), AX
	MOVQ        k2+8(FP), BX
	MOVQ        n1+16(FP), CX
	MOVQ        n2+24(FP), DX
	VMOVDQU     constants<>(SB), Y0
	VMOVDQU     (AX), X1
	VINSERTI128 $1, (BX), Y1, Y1
	VMOVDQU     16(AX), X2
	VINSERTI128 $1, 16(BX), Y2, Y2
	VMOVQ       (CX), X3
	VPINSRD     $2, 8(CX), X3, X3
	VPSLLDQ     $4, X3, X3
	VPOR        first<>(SB), X3, X3
	VMOVQ       (DX), X4
	VPINSRD     $2, 8(DX), X4, X4
	VPSLLDQ     $4, X4, X4
	VPOR        first<>(SB), X4, X4
	VINSERTI128 $1, X4, Y3, Y3
	VMOVDQU     rol16<>(SB), Y6
	VMOVDQU     rol8<>(SB), Y7
	MOVQ        $10, SI

rounds:
	QUARTERS
	VPSHUFD $0x39, Y1, Y1
	VPSHUFD $0x4e, Y2, Y2
	VPSHUFD $0x93, Y3, Y3
	QUARTERS
	VPSHUFD $0x93, Y1, Y1
	VPSHUFD $0x4e, Y2, Y2
	VPSHUFD $0x39, Y3, Y3
	DECQ    SI
	JNE     rounds

	VPADDD       constants<>(SB), Y0, Y0
	VMOVQ        X0, AX
	MOVQ         AX, m1+32(FP)
	VEXTRACTI128 $1, Y0, X0
	VMOVQ        X0, AX
	MOVQ         AX, m2+40(FP)
	VZEROUPPER
	RET
