package client

import (
	"encoding/binary"
	"sync"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/pool"
)

// Received takes messages in flight that left an inbound tunnel of ours. Only what a client has asked for or can
// open is acted on: garlic, the confirmation of a publication or test, the reply of a build. Anything else
// would let a stranger use this tunnel to learn which router it ends at.
func (s *Session) Received(t *pool.Tunnel, msgs []pool.Delivered) {
	o := openings.Get().(*opening)
	o.Session, o.tunnel = s, t
	for _, m := range msgs {
		o.receive(m.Delivery, m.Message.Bytes())
		m.Message.Release()
	}
	o.flush()
	o.Session, o.tunnel = nil, nil
	openings.Put(o)
}

// An opening opens the garlic messages of one batch and gathers the packets in them, so that a stream sees those that
// came together at once.
type opening struct {
	*Session
	tunnel *pool.Tunnel // that the messages came down
	// forwarded, bundled and answers count what strangers can put in one message.
	forwarded, bundled, answers int
	take                        func(garlic.Clove)
	// data waits until the other cloves of its message are read: it may come in front of the LeaseSet that is needed
	// to answer it. What a clove lends is in the message, which outlives it.
	data    []garlic.Clove
	proto   Protocol // of packets
	ports   Ports
	packets []*buf.Buf
}

var openings = sync.Pool{New: func() any {
	o := new(opening)
	o.take = func(c garlic.Clove) {
		if c.Header.Type == i2np.TypeData {
			o.data = append(o.data, c)
		} else {
			o.receiveClove(c)
		}
	}
	return o
}}

func (o *opening) receive(d tunnel.Delivery, msg []byte) {
	h, payload, err := i2np.ParseShort(msg)
	if err != nil {
		o.stats.malformed.Add(1)
		return
	}
	if d.Type != tunnel.DeliveryLocal {
		o.stats.refusedDelivery.Add(1)
		return
	}
	switch h.Type {
	case i2np.TypeGarlic:
		o.receiveGarlic(payload)
	case i2np.TypeDeliveryStatus:
		o.receiveStatus(payload)
	case i2np.TypeOutboundTunnelBuildReply, i2np.TypeVariableTunnelBuildReply:
		o.buildReply(h, payload)
	default:
		o.stats.refusedType.Add(1)
	}
}

func (o *opening) receiveGarlic(payload []byte) {
	if len(payload) < 4 || uint64(binary.BigEndian.Uint32(payload)) > uint64(len(payload)-4) {
		o.stats.malformed.Add(1)
		return
	}
	body := payload[4:][:binary.BigEndian.Uint32(payload)]
	o.forwarded, o.bundled, o.answers = 0, 0, 0
	if err := o.keeper.Open(body, o.clock.Now(), o.take); err != nil {
		o.stats.unopened.Add(1)
	}
	for _, c := range o.data {
		o.receiveClove(c)
	}
	clear(o.data)
	o.data = o.data[:0]
}

// receiveClove follows the delivery instructions: Local is for us, Destination for one of ours, Tunnel is sent on out
// of one of our tunnels if it is what peers want back, an acknowledgement or something sealed, and that once: else one
// message would make us send 64. Router is refused: it would make this client's tunnel a way to reach routers from here.
func (o *opening) receiveClove(c garlic.Clove) {
	switch c.Delivery.Type {
	case garlic.DeliveryLocal:
		o.receiveLocal(c)
	case garlic.DeliveryDestination:
		if c.Delivery.Hash != o.hash || c.Header.Type != i2np.TypeData {
			o.stats.refusedDelivery.Add(1)
			return
		}
		o.receiveData(c.Body)
	case garlic.DeliveryTunnel:
		o.forwarded++
		if t := c.Header.Type; t != i2np.TypeDeliveryStatus && t != i2np.TypeGarlic || o.forwarded > maxForwarded {
			o.stats.refusedDelivery.Add(1)
			return
		}
		if out, ok := o.pool.Outbound(); ok {
			out.Send(tunnel.Delivery{Type: tunnel.DeliveryTunnel, Router: c.Delivery.Hash, Tunnel: c.Delivery.Tunnel}, o.clock.Now(), c.Message)
		}
	default:
		o.stats.refusedDelivery.Add(1)
	}
}

// receiveLocal: answers to questions of ours are sealed with the key that went along with the question. Anybody can seal
// for the key of the LeaseSet: that way a lookup could be misled, or found out.
func (o *opening) receiveLocal(c garlic.Clove) {
	answer := c.From.Kind == garlic.KindOneTime
	switch t := c.Header.Type; {
	case t == i2np.TypeData:
		o.receiveData(c.Body)
	case t == i2np.TypeDeliveryStatus:
		o.receiveStatus(c.Body)
	case t == i2np.TypeDatabaseStore && !answer:
		o.receiveBundled(c)
	case answer && (t == i2np.TypeDatabaseStore || t == i2np.TypeDatabaseSearchReply):
		if o.answers++; o.answers > maxAnswers {
			o.stats.refusedDelivery.Add(1)
			return
		}
		o.view.Handle(c.Header, c.Body)
	case answer && t == i2np.TypeOutboundTunnelBuildReply:
		o.buildReply(c.Header, c.Body)
	default:
		o.stats.refusedType.Add(1)
	}
}

func (o *opening) buildReply(h i2np.Header, payload []byte) {
	if !o.table.Reply(h.ID, payload, pool.Way{Tunnel: o.tunnel}) {
		o.stats.refusedType.Add(1)
	}
}

// receiveData takes the packet of a Data message.
func (o *opening) receiveData(body []byte) {
	if len(body) < 4 || uint64(binary.BigEndian.Uint32(body)) > uint64(len(body)-4) {
		o.stats.malformed.Add(1)
		return
	}
	b, proto, ports, err := unwrap(body[4:][:binary.BigEndian.Uint32(body)])
	if err != nil {
		o.stats.malformed.Add(1)
		return
	}
	o.stats.received.Add(1)
	o.stats.receivedBytes.Add(uint64(b.Len()))
	if len(o.packets) > 0 && (proto != o.proto || ports != o.ports) {
		o.flush()
	}
	o.proto, o.ports = proto, ports
	o.packets = append(o.packets, b)
}

// flush gives the packets to the handler.
func (o *opening) flush() {
	if len(o.packets) == 0 {
		return
	}
	if h := o.handler.Load(); h != nil {
		(*h).Deliver(o.proto, o.ports, o.packets)
	} else {
		release(o.packets)
	}
	clear(o.packets)
	o.packets = o.packets[:0]
}

// receiveBundled learns the LeaseSet that a peer sent along, so that it can be answered without a lookup. It proves
// who the sender is only if its key is the one that the garlic session was opened with.
func (o *opening) receiveBundled(c garlic.Clove) {
	if o.bundled++; o.bundled > maxBundled {
		o.stats.refusedDelivery.Add(1)
		return
	}
	store, err := i2np.ParseDatabaseStore(c.Body)
	if err != nil {
		o.stats.malformed.Add(1)
		return
	}
	ls, err := i2p.ParseLeaseSetOfType(byte(store.StoreType), store.Data)
	if err != nil || ls.Hash() != store.Key {
		o.stats.malformed.Add(1)
		return
	}
	key, ok := ls.EncryptionKey(keys.EncX25519)
	if !ok || c.From.Static == (keys.X25519Public{}) || keys.X25519Public(key) != c.From.Static {
		o.stats.refusedDelivery.Add(1)
		return
	}
	if o.view.Store(ls) != nil { // expired, ahead of time, or not signed
		return
	}
	o.keeper.Bind(c.From.Static, ls.Hash())
	now := o.clock.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remoteOf(ls.Hash(), now).learn(ls)
}

func (s *Session) receiveStatus(payload []byte) {
	status, err := i2np.ParseDeliveryStatus(payload)
	if err != nil {
		s.stats.malformed.Add(1)
		return
	}
	if !s.pool.TestReply(status.MessageID, time.Now()) && !s.view.Delivered(status.MessageID) {
		s.stats.refusedType.Add(1)
	}
}

func putUint32(b []byte, v uint32) { binary.BigEndian.PutUint32(b, v) }

// AddOneTime is called by the pool for the answers to its build requests and tests.
func (s *Session) AddOneTime(tag [8]byte, key [32]byte, expires time.Time) {
	s.keeper.AddOneTime(tag, key, expires)
}

var _ pool.Owner = (*Session)(nil)
