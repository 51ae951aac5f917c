package buf

import (
	"sync"
	"sync/atomic"
)

// Room around and inside the two sizes of buffers, in bytes.
const (
	// Head is the room in front of a fresh buffer: enough for every header from the streaming packet down to
	// the transport frame (gzip member 15, Data length 4, garlic clove and block 60, ratchet tag or New Session
	// header 96, I2NP header 16, tunnel gateway 6, frame 3+2).
	Head = 256
	// Tail is the room behind: an authentication tag for each of two layers, a gzip trailer and padding.
	Tail = 64
	// Small is the payload of a buffer from Get.
	Small = 2048
	// Large is the payload of a buffer from GetLarge: the largest NTCP2 frame (65,535) and its length (2).
	Large = 65537
)

// A Buf is one pooled buffer. The zero value is not usable; see Get and GetLarge. A Buf is not safe for
// concurrent use: it has one owner.
type Buf struct {
	store    []byte
	off, end int
	live     atomic.Bool
}

var (
	small = sync.Pool{New: func() any { return &Buf{store: make([]byte, Head+Small+Tail)} }}
	large = sync.Pool{New: func() any { return &Buf{store: make([]byte, Head+Large+Tail)} }}
)

// Get returns an empty buffer for up to Small bytes with Head bytes in front.
func Get() *Buf { return take(&small) }

// GetLarge returns an empty buffer for up to Large bytes with Head bytes in front.
func GetLarge() *Buf { return take(&large) }

// GetFor returns an empty buffer for n bytes. It panics if n is more than Large.
func GetFor(n int) *Buf {
	switch {
	case n <= Small:
		return Get()
	case n <= Large:
		return GetLarge()
	}
	panic("buf: larger than any buffer")
}

// From returns a buffer that holds a copy of p, at most Large bytes.
func From(p []byte) *Buf {
	b := GetFor(len(p))
	b.Append(p)
	return b
}

func take(pool *sync.Pool) *Buf {
	b := pool.Get().(*Buf)
	b.off, b.end = Head, Head
	b.live.Store(true)
	acquired()
	return b
}

// Release gives the buffer back. The caller may not touch it, or any slice of it, again.
func (b *Buf) Release() {
	if !b.live.CompareAndSwap(true, false) {
		panic("buf: released twice")
	}
	released(b)
	if len(b.store) == Head+Small+Tail {
		small.Put(b)
	} else {
		large.Put(b)
	}
}

// Bytes lends the content.
func (b *Buf) Bytes() []byte { return b.store[b.off:b.end] }

// Len is the length of the content in bytes.
func (b *Buf) Len() int { return b.end - b.off }

// Footprint is the memory of the buffer in bytes, whatever its content.
func (b *Buf) Footprint() int { return len(b.store) }

// HeadRoom is the number of bytes that Prepend can still add.
func (b *Buf) HeadRoom() int { return b.off }

// TailRoom is the number of bytes that Extend and Append can still add.
func (b *Buf) TailRoom() int { return len(b.store) - b.end }

// Prepend grows the content by n bytes in front and lends them, with undefined content. It panics without room.
func (b *Buf) Prepend(n int) []byte {
	if n < 0 || n > b.off {
		panic("buf: no head room")
	}
	b.off -= n
	return b.store[b.off : b.off+n]
}

// Extend grows the content by n bytes behind and lends them, with undefined content. It panics without room.
func (b *Buf) Extend(n int) []byte {
	if n < 0 || n > b.TailRoom() {
		panic("buf: no tail room")
	}
	b.end += n
	return b.store[b.end-n : b.end]
}

// Append copies p behind the content. It panics without room.
func (b *Buf) Append(p []byte) { copy(b.Extend(len(p)), p) }

// TrimFront drops the first n bytes of the content. It panics if there are fewer.
func (b *Buf) TrimFront(n int) {
	if n < 0 || n > b.Len() {
		panic("buf: trim beyond content")
	}
	b.off += n
}

// Truncate shortens the content to n bytes. It panics if there are fewer.
func (b *Buf) Truncate(n int) {
	if n < 0 || n > b.Len() {
		panic("buf: truncate beyond content")
	}
	b.end = b.off + n
}

// Reset empties the buffer and places its start at Head again.
func (b *Buf) Reset() { b.off, b.end = Head, Head }
