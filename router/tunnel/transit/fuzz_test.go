package transit_test

import (
	"encoding/binary"
	"log/slog"
	"testing"
	"testing/synctest"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
	"clove.i2p/router/tunnel/transit"
)

// FuzzTable gives a table with a tunnel of each role a batch of arbitrary messages, and what it does not take to its
// build queue. A message is 2 bytes of length and that many bytes behind a valid expiration.
func FuzzTable(f *testing.F) {
	keys, err := i2p.NewRouterKeys()
	if err != nil {
		f.Fatal(err)
	}
	limiter, err := bandwidth.New(bandwidth.Config{Share: 100})
	if err != nil {
		f.Fatal(err)
	}
	data := make([]byte, 5+tunnel.MessageSize)
	data[0], data[8] = byte(i2np.TypeTunnelData), 2
	f.Add(append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...))
	gateway := append([]byte{byte(i2np.TypeTunnelGateway), 0, 0, 0, 1}, i2np.TunnelGateway{Tunnel: 1, Message: make([]byte, 20)}.Append(nil)...)
	f.Add(append(binary.BigEndian.AppendUint16(nil, uint16(len(gateway))), gateway...))
	request := append([]byte{byte(i2np.TypeShortTunnelBuild), 0, 0, 0, 1, 1}, make([]byte, 218)...)
	f.Add(append(binary.BigEndian.AppendUint16(nil, uint16(len(request))), request...))
	f.Fuzz(func(t *testing.T, script []byte) {
		synctest.Test(t, func(t *testing.T) {
			net := newNetwork(t)
			r := &node{net: net, keys: keys, hash: keys.Identity.Hash(), limiter: limiter}
			var err error
			r.table, err = transit.New(transit.Config{}, transit.Deps{
				Clock: net.clock, Limiter: limiter, Keys: keys, Sender: r, Local: r, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			net.nodes[r.hash] = r
			net.run()
			for i, role := range []build.Role{build.InboundGateway, build.Participant, build.OutboundEndpoint} {
				p := plan(false, role == build.InboundGateway, r)
				if role == build.Participant {
					p.Hops = append([]build.Hop{p.Hops[0]}, p.Hops...)
					p.Hops[0].Role, p.Hops[0].Next, p.Hops[1].Router = role, stranger, stranger
					p.Hops[0].NextTunnel = p.Hops[1].ReceiveTunnel
				}
				p.Hops[0].ReceiveTunnel = i2p.TunnelID(1 + i)
				net.request(p)
			}
			synctest.Wait()
			if r.table.Len() != 3 {
				t.Fatalf("%d tunnels", r.table.Len())
			}
			var batch []*buf.Buf
			for len(script) >= 2 {
				n := min(int(binary.BigEndian.Uint16(script)), len(script)-2)
				msg := script[2 : 2+n]
				script = script[2+n:]
				b := buf.GetFor(n + 4)
				if n < 5 {
					b.Append(msg)
				} else {
					b.Append(msg[:5])
					binary.BigEndian.PutUint32(b.Extend(4), uint32(net.clock.Now().Unix()))
					b.Append(msg[5:])
				}
				batch = append(batch, b)
			}
			for _, b := range r.table.DataBatch(creator, batch) {
				r.table.Build(creator, b)
			}
			synctest.Wait()
		})
	})
}
