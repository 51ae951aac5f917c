package wire

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"clove.i2p/router/i2p"
)

// RouterInfo block ("RouterInfo"), 5 bytes and the RouterInfo, whole, with or without gzip:
//
//	flag 1: bit 0 flood, bit 1 gzip | frag 1: always fragment 0 of 1 | data
//
// The specification wants it in SessionConfirmed only; i2pd sends it in data packets too: its own to peers, and others' before
// RelayIntro and PeerTest.
const (
	routerInfoFlood = 1 << iota
	routerInfoGzip

	routerInfoFrag      = 0x01
	routerInfoHeaderLen = 2
)

// RouterInfoOverhead is what the block has around its data.
const RouterInfoOverhead = BlockHeaderLen + routerInfoHeaderLen

// AppendRouterInfo appends ri (its bytes) as it is if the block then has at most limit bytes, with gzip if not; ErrTooLarge if
// neither fits.
func AppendRouterInfo(dst, ri []byte, flood bool, limit int) ([]byte, error) {
	var flag byte
	if flood {
		flag = routerInfoFlood
	}
	if len(ri)+RouterInfoOverhead > limit {
		small, err := deflate(ri)
		if err != nil {
			return dst, err
		}
		ri, flag = small, flag|routerInfoGzip
	}
	if len(ri)+RouterInfoOverhead > limit {
		return dst, fmt.Errorf("RouterInfo of %d bytes with gzip: %w", len(ri), ErrTooLarge)
	}
	dst = append(AppendBlockHeader(dst, BlockRouterInfo, routerInfoHeaderLen+len(ri)), flag, routerInfoFrag)
	return append(dst, ri...), nil
}

func deflate(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// ParseRouterInfo reads the body of a RouterInfo block and returns the bytes of the RouterInfo, which alias body if they were not
// compressed. They are not parsed: that and the signature are the caller's. Inflation stops beyond i2p.MaxRouterInfoLen (3072),
// whatever the body claims.
func ParseRouterInfo(body []byte) (ri []byte, flood bool, err error) {
	if len(body) <= routerInfoHeaderLen || body[1] != routerInfoFrag {
		return nil, false, fmt.Errorf("%w: RouterInfo of %d bytes", ErrMalformed, len(body))
	}
	ri, flood = body[routerInfoHeaderLen:], body[0]&routerInfoFlood != 0
	if body[0]&routerInfoGzip != 0 {
		if ri, err = inflate(ri); err != nil {
			return nil, false, err
		}
	}
	if len(ri) > i2p.MaxRouterInfoLen {
		return nil, false, fmt.Errorf("RouterInfo: %w", ErrTooLarge)
	}
	return ri, flood, nil
}

func inflate(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: RouterInfo: %w", ErrMalformed, err)
	}
	out, err := io.ReadAll(io.LimitReader(r, i2p.MaxRouterInfoLen+1))
	if err != nil {
		return nil, fmt.Errorf("%w: RouterInfo: %w", ErrMalformed, err)
	}
	return out, nil
}
