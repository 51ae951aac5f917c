package host

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

// readStdio reads what a Go plugin prints after the handshake: go-plugin sends it over a call of its own. Plugins in other languages
// do not have it, and write to their standard error.
func (p *process) readStdio(ctx context.Context) {
	writers := map[uint64]*lineWriter{1: {book: p.book, stream: "stdout"}, 2: {book: p.book, stream: "stderr"}}
	pace := newPacer(p.box.Done())
	stream, err := p.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/plugin.GRPCStdio/StreamStdio", grpc.MaxCallRecvMsgSize(stdioSize))
	if err != nil || stream.SendMsg(&emptypb.Empty{}) != nil || stream.CloseSend() != nil {
		return
	}
	for {
		var m emptypb.Empty
		if stream.RecvMsg(&m) != nil {
			return
		}
		channel, data := parseStdio(m.ProtoReflect().GetUnknown())
		if w := writers[channel]; w != nil {
			_, _ = w.Write(data)
		}
		pace.wait(len(data))
	}
}

// parseStdio reads go-plugin's StdioData, whose generated code is internal to it.
//
//	field 1, varint: channel, 1 is stdout, 2 is stderr
//	field 2, bytes:  data
//
// What is malformed is nothing.
func parseStdio(b []byte) (channel uint64, data []byte) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return 0, nil
		}
		b = b[n:]
		switch {
		case number == 1 && kind == protowire.VarintType:
			channel, n = protowire.ConsumeVarint(b)
		case number == 2 && kind == protowire.BytesType:
			data, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return 0, nil
		}
		b = b[n:]
	}
	return channel, data
}
