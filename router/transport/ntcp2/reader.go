package ntcp2

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// A reader turns frames into messages. It is the state of one goroutine.
//
// Bytes are read into mem: a small one while the session is idle, a large one while it is busy. Frames are opened in place;
// messages are copied out, as a frame holds many and each has its own owner.
type reader struct {
	s          *session
	cipher     *frameCipher
	small      []byte
	large      *buf.Buf
	mem        []byte // of small or large
	start, end int    // read, not yet opened
	length     int    // of the frame at start, 0 if not known yet
	lastRead   int
	batch      []*buf.Buf
	lastInfo   time.Time // RouterInfo block
}

func newReader(s *session, k *directionKeys, remainder []byte) *reader {
	r := &reader{s: s, cipher: newFrameCipher(k), small: make([]byte, max(idleRead, len(remainder)))}
	r.mem = r.small
	r.end = copy(r.mem, remainder)
	return r
}

// run delivers messages until the connection or the peer ends. The error says why.
func (r *reader) run(ctx context.Context) error {
	defer r.free()
	for {
		err := r.frames()
		r.deliver()
		if err != nil {
			return err
		}
		if err := r.fill(ctx); err != nil {
			return err
		}
	}
}

// frames opens the frames that are complete.
func (r *reader) frames() error {
	for {
		have := r.end - r.start
		if r.length == 0 {
			if have < lengthLen {
				return nil
			}
			r.length = r.cipher.length(r.mem[r.start:])
			if r.length < tagLen {
				return fmt.Errorf("%w: length %d", errAEAD, r.length)
			}
		}
		if have < lengthLen+r.length {
			return nil
		}
		from := r.start + lengthLen
		payload, err := r.cipher.open(r.mem[from : from+r.length])
		if err != nil {
			return err
		}
		r.start, r.length = from+r.length, 0
		r.s.framesIn.Add(1)
		if err := r.payload(payload); err != nil {
			return err
		}
	}
}

// payload takes the blocks of one frame. Unknown blocks are padding.
func (r *reader) payload(payload []byte) error {
	blocks := blocksOf(payload)
	for blocks.next() {
		switch blocks.kind {
		case blockI2NP:
			if len(blocks.data) < shortHeaderLen {
				return fmt.Errorf("%w: I2NP block of %d bytes", errMalformed, len(blocks.data))
			}
			b := buf.GetFor(len(blocks.data))
			b.Append(blocks.data)
			r.batch = append(r.batch, b)
		case blockDateTime:
			if err := r.dateTime(blocks.data); err != nil {
				return err
			}
		case blockRouterInfo:
			if err := r.routerInfo(blocks.data); err != nil {
				return err
			}
		case blockTermination:
			_, reason, err := parseTermination(blocks.data)
			if err != nil {
				return err
			}
			return &transport.Terminated{Reason: reason}
		}
	}
	return blocks.err
}

func (r *reader) dateTime(data []byte) error {
	theirs, err := parseDateTime(data)
	if err != nil {
		return err
	}
	if ahead := skew(theirs, r.s.clock.Now()); skewed(ahead) {
		return fmt.Errorf("ntcp2: %w: by %v", transport.ErrClockSkew, ahead.Round(time.Second))
	}
	return nil
}

// routerInfo takes the peer's own RouterInfo; others, those that come too fast, and those that are too long or have keys that we
// do not know, are ignored: some routers will have longer keys than ours.
func (r *reader) routerInfo(data []byte) error {
	now := time.Now()
	if now.Sub(r.lastInfo) < minRouterInfoInterval {
		return nil
	}
	r.lastInfo = now
	ri, flood, err := parseRouterInfoBlock(data)
	switch {
	case errors.Is(err, i2p.ErrTooLarge) || errors.Is(err, i2p.ErrUnsupportedKey):
		return nil
	case err != nil:
		return err
	}
	if ri.Hash() == r.s.peer && ri.Verify() == nil {
		r.s.registry.RouterInfo(r.s.peer, ri, flood)
	}
	return nil
}

// deliver hands over what the frames of one read held, as one batch.
func (r *reader) deliver() {
	if len(r.batch) == 0 {
		return
	}
	r.s.messagesIn.Add(uint64(len(r.batch)))
	r.s.active.Store(int64(time.Since(r.s.since)))
	r.s.registry.Messages(r.s.peer, r.batch)
	clear(r.batch)
	r.batch = r.batch[:0]
}

// fill reads once, into a buffer in which the next frame has room.
func (r *reader) fill(ctx context.Context) error {
	r.makeRoom()
	n, err := r.s.conn.Read(r.mem[r.end:])
	r.end += n
	r.lastRead = n
	if n == 0 && err != nil {
		return err
	}
	r.s.bytesIn.Add(uint64(n))
	return r.s.waitIn(ctx, n)
}

func (r *reader) makeRoom() {
	have := r.end - r.start
	need := lengthLen
	if r.length > 0 {
		need += r.length
	} else if have == 0 && r.large != nil && r.lastRead < idleRead {
		r.free()
	}
	// The length alone, two bytes, is no reason to take a large buffer: a peer that announces a frame and sends
	// nothing would hold it until the session is idle.
	busy := have == len(r.small) || r.lastRead >= idleRead
	if r.large == nil && busy {
		r.large = buf.GetLarge()
		large := r.large.Extend(r.large.TailRoom())
		copy(large, r.mem[r.start:r.end])
		r.mem, r.start, r.end = large, 0, have
	}
	// Less than half of the buffer left is not worth a read, if moving a part of a frame gives more.
	if r.start > 0 && (have == 0 || len(r.mem)-r.start < need || len(r.mem)-r.end < len(r.mem)/2) {
		copy(r.mem, r.mem[r.start:r.end])
		r.start, r.end = 0, have
	}
}

// free gives the large buffer back. What it held is lost.
func (r *reader) free() {
	if r.large != nil {
		r.large.Release()
		r.large = nil
	}
	r.mem, r.start, r.end = r.small, 0, 0
}
