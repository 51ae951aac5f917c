package gate

import (
	"context"
	"encoding/binary"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// A gRPC server queues answers without a bound for a client that opens no window for them. So what a connection's client has not
// taken is counted: what is answered, minus the DATA that went out. A client that leaves too much is cut off.

// grpcPrefix is in front of each message: 1 byte of flags, 4 of length.
const grpcPrefix = 5

// answered counts a message for the connection of a call.
func answered(ctx context.Context, m any) {
	if c := connOf(ctx); c != nil {
		if m, ok := m.(proto.Message); ok {
			c.untaken.Add(int64(proto.Size(m) + grpcPrefix))
		}
	}
}

// takes cuts a connection off whose client does not take its answers.
func takes(ctx context.Context) error {
	c := connOf(ctx)
	if c == nil || c.untaken.Load() <= maxUntaken {
		return nil
	}
	_ = c.Close()
	return refuse(api.ErrLimit, "%d bytes of answers wait: read them", maxUntaken)
}

func connOf(ctx context.Context) *hostConn {
	if p, ok := peer.FromContext(ctx); ok {
		if a, ok := p.Addr.(connAddr); ok {
			return a.conn
		}
	}
	return nil
}

// large is where a call waits whose answer may be large: few of these are made at once, and counted before the next.
func (i *Instance) large(req any) chan struct{} {
	switch req.(type) {
	case *pb.GetRequest, *pb.KeysRequest:
		return i.reads
	case *pb.OpenFileRequest: // may wait for a ticket
		return i.opens
	}
	return nil
}

// countingStream counts the messages of a server's stream.
type countingStream struct{ grpc.ServerStream }

func (s countingStream) SendMsg(m any) error {
	if err := takes(s.Context()); err != nil {
		return err
	}
	answered(s.Context(), m)
	return s.ServerStream.SendMsg(m)
}

// frames follows the HTTP/2 frames that go out on a connection. It is used by its one writer.
type frames struct {
	header [9]byte // length 3, type 1, flags 1, stream 4
	have   int     // of header
	left   int     // of the payload
}

const frameData = 0x0

// passed takes the next bytes and returns how many of them are payload of DATA frames.
func (f *frames) passed(b []byte) (data int) {
	for len(b) > 0 {
		if f.left > 0 {
			n := min(f.left, len(b))
			f.left -= n
			b = b[n:]
			if f.header[3] == frameData {
				data += n
			}
			continue
		}
		n := copy(f.header[f.have:], b)
		f.have += n
		b = b[n:]
		if f.have == len(f.header) {
			f.have = 0
			f.left = int(binary.BigEndian.Uint32(f.header[:4]) >> 8)
		}
	}
	return data
}

// hostConn is a connection to the Host service.
type hostConn struct {
	*hostSocket
	slots   chan struct{}
	closed  atomic.Bool
	untaken atomic.Int64 // bytes of answers
	out     frames
}

// Write is called by one goroutine at a time: gRPC's writer.
func (c *hostConn) Write(p []byte) (int, error) {
	n, err := c.hostSocket.Write(p)
	c.untaken.Add(-int64(c.out.passed(p[:n])))
	return n, err
}
