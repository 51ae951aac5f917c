package ntcp2

import (
	"fmt"

	"clove.i2p/router/i2p"
)

// confirmedPayload is the content of SessionConfirmed part 2 (ntcp2.md, "SessionConfirmed"): a RouterInfo block, perhaps an
// Options block, perhaps a Padding block, in this order and nothing else.
type confirmedPayload struct {
	routerInfo *i2p.RouterInfo // not verified
	flood      bool
}

// appendConfirmedPayload writes the RouterInfo block and a Padding block with padding bytes of zeros, which are
// encrypted; with padding < 0 there is no Padding block.
func appendConfirmedPayload(b, routerInfo []byte, padding int) []byte {
	b = appendBlockHeader(b, blockRouterInfo, 1+len(routerInfo))
	b = append(b, 0)
	b = append(b, routerInfo...)
	if padding >= 0 {
		b = appendPadding(b, padding)
	}
	return b
}

func parseConfirmedPayload(b []byte) (p confirmedPayload, err error) {
	blocks := blocksOf(b)
	for n := 0; blocks.next(); n++ {
		switch {
		case n == 0 && blocks.kind == blockRouterInfo:
			if p.routerInfo, p.flood, err = parseRouterInfoBlock(blocks.data); err != nil {
				return p, err
			}
		case n == 1 && blocks.kind == blockOptions:
		case n >= 1 && n <= 2 && blocks.kind == blockPadding:
		default:
			return p, fmt.Errorf("%w: block %d at place %d of SessionConfirmed", errMalformed, blocks.kind, n)
		}
	}
	if blocks.err == nil && p.routerInfo == nil {
		blocks.err = fmt.Errorf("%w: SessionConfirmed without RouterInfo", errMalformed)
	}
	return p, blocks.err
}
