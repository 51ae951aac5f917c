package gate_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bytes"
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	"clove.i2p/plugins/api/pb"
)

// fill puts as much into a store as a listing of keys can show.
func fill(b *bed, p *process, tunnel string) {
	b.t.Helper()
	for n := range 150 { // within the burst of writes
		if _, err := p.Put(b.ctx, &pb.PutRequest{Tunnel: tunnel, Key: fmt.Sprintf("%0256d", n)}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// greedy speaks HTTP/2 by hand: it asks for Keys again and again, and never opens a window for the answers. over is closed when the
// connection ends.
func greedy(t *testing.T, c net.Conn, tunnel string, calls int, over chan<- struct{}) error {
	t.Helper()
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		return err
	}
	f := http2.NewFramer(c, c)
	if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
		return err
	}
	go func() {
		defer close(over)
		for {
			if _, err := f.ReadFrame(); err != nil {
				return
			}
		}
	}()
	body, err := proto.Marshal(&pb.KeysRequest{Tunnel: tunnel})
	if err != nil {
		t.Fatal(err)
	}
	message := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
	for n := range calls {
		var block bytes.Buffer
		e := hpack.NewEncoder(&block)
		for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/clove.plugin.v1.Host/Keys"}, {":authority", "host"}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
			_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
		}
		id := uint32(2*n + 1)
		if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
			return err
		}
		if err := f.WriteData(id, true, message); err != nil {
			return err
		}
	}
	return nil
}

// A client that asks and does not read is cut off, before its answers cost much.
func TestAnswersThatAreNotTakenEndTheConnection(t *testing.T) {
	b := newBed(t)
	works := good(b)
	b.tunnel("t")
	p := b.start("t")
	fill(b, p, "t")
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range 4 {
		c, err := net.Dial("unix", p.instance.HostSocket())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		// 1,000 answers of 38 KB are 38 MB: a tenth may wait. The last ones may find the connection closed.
		over := make(chan struct{})
		_ = greedy(t, c, "t", 1000, over)
		select {
		case <-over:
		case <-time.After(patience):
			t.Fatalf("38 MB of answers wait: %d MiB", heap()>>20)
		}
	}
	if after := heap(); after > before+64<<20 {
		t.Errorf("it cost %d MiB", (after-before)>>20)
	}
	works()
}

// Nothing is cut off that reads: what is counted comes back to zero, however many the calls are.
func TestClientThatReadsIsNeverCutOff(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	fill(b, p, "t")
	for range 300 { // 11 MB of answers, 2.7 times what may wait
		got, err := p.Keys(b.ctx, &pb.KeysRequest{Tunnel: "t"})
		if err != nil || len(got.Keys) != 150 {
			t.Fatalf("%d keys, %v", len(got.GetKeys()), err)
		}
	}
	for range 2000 {
		if _, err := p.Get(b.ctx, &pb.GetRequest{Tunnel: "t", Key: "none"}); err != nil {
			t.Fatal(err)
		}
	}
}
