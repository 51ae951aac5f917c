package gate

import (
	"net"
	"sync/atomic"

	"clove.i2p/plugins/api"
)

// packetSink is a data connection that carries frames. What is put while packetQueue frames, or packetBytes, wait is dropped: a
// plugin that reads slowly holds nobody up.
type packetSink struct {
	link  *link
	data  *net.UnixConn
	queue chan []byte
	bytes atomic.Int64 // in queue
	over  chan struct{}
}

func newPacketSink(l *link, data *net.UnixConn) *packetSink {
	return &packetSink{link: l, data: data, queue: make(chan []byte, packetQueue), over: make(chan struct{})}
}

// put queues a packet. false: it was dropped.
func (p *packetSink) put(from string, payload []byte) bool {
	frame, err := api.AppendFrame(make([]byte, 0, 3+len(from)+len(payload)), from, payload)
	if err != nil || p.bytes.Load() > packetBytes {
		return false
	}
	p.bytes.Add(int64(len(frame)))
	select {
	case p.queue <- frame:
		return true
	default:
		p.bytes.Add(-int64(len(frame)))
		return false
	}
}

// serve passes frames on in both directions until the data connection ends. send returns false for a packet that it did not send.
func (p *packetSink) serve(send func(to string, payload []byte) bool) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		p.write()
	}()
	defer func() {
		_ = p.data.Close()
		close(p.over)
		<-written
	}()
	buf := make([]byte, api.MaxFrame)
	for {
		to, payload, err := api.ReadFrame(p.data, buf)
		if err != nil {
			return
		}
		if send(string(to), payload) {
			p.link.sent.Add(uint64(len(payload)))
		} else {
			p.link.tunnel.packetsLost.Add(1)
		}
	}
}

func (p *packetSink) write() {
	for {
		select {
		case frame := <-p.queue:
			p.bytes.Add(-int64(len(frame)))
			if _, err := p.data.Write(frame); err != nil {
				_ = p.data.Close()
				return
			}
			p.link.received.Add(uint64(len(frame)))
		case <-p.over:
			return
		}
	}
}
