package e2e_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// echoPackets answers each UDP packet with itself.
func echoPackets(t *testing.T) (address string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		for b := make([]byte, 65536); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(b[:n], from)
		}
	}()
	return c.LocalAddr().String()
}

// asks sends packets until one comes back: datagrams may be lost while a path comes up.
func asks(t *testing.T, send func(p []byte) error, receive func(p []byte) (int, error), size int) {
	t.Helper()
	payload := bytes.Repeat([]byte{7}, size)
	b := make([]byte, 65536)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err := send(payload); err != nil {
			t.Fatal(err)
		}
		n, err := receive(b)
		if err == nil && bytes.HasSuffix(b[:n], payload) {
			return
		}
	}
	t.Errorf("no packet of %d bytes came back", size)
}

// Datagrams go from a local port, and from a SOCKS client, through I2P to a local server and back.
func TestDatagrams(t *testing.T) {
	n := startNetwork(t, 6, http.NotFoundHandler())
	server := n.start(t, fmt.Sprintf("[tunnels.echo]\ntype = \"udp-server\"\ntarget = %q\n", echoPackets(t)))
	server.waitReady(t)
	echo := server.tunnel(t, "echo", true)
	c := n.start(t, fmt.Sprintf("[tunnels.bridge]\ntype = \"udp-client\"\nlisten = \"127.0.0.1:0\"\ndestination = \"%s:5\"\n", echo.Address))
	r := c.waitReady(t)
	bridge := c.tunnel(t, "bridge", false)

	local, err := net.Dial("udp", bridge.Local[0])
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	receive := func(conn net.Conn) func([]byte) (int, error) {
		return func(p []byte) (int, error) {
			conn.SetReadDeadline(time.Now().Add(2 * time.Second))
			return conn.Read(p)
		}
	}
	send := func(p []byte) error { _, err := local.Write(p); return err }
	for _, size := range []int{1, 1000, 10000} {
		asks(t, send, receive(local), size)
	}

	// SOCKS 5 UDP ASSOCIATE: the relay's address is in the answer, and the destination in the head of each packet.
	control, relay := associate(t, r.SOCKSProxy)
	defer control.Close()
	defer relay.Close()
	head := []byte{0, 0, 0, 3, byte(len(echo.Address))}
	head = binary.BigEndian.AppendUint16(append(head, echo.Address...), 5)
	asks(t, func(p []byte) error { _, err := relay.Write(append(head[:len(head):len(head)], p...)); return err }, receive(relay), 500)

	// Nothing leaves I2P this way, and that is counted.
	for _, host := range []string{"example.com", "localhost"} {
		p := append([]byte{0, 0, 0, 3, byte(len(host))}, host...)
		if _, err := relay.Write(append(p, 0, 53, 'x')); err != nil {
			t.Fatal(err)
		}
	}
	relay.SetReadDeadline(time.Now().Add(time.Second))
	if n, err := relay.Read(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes in answer to packets to the clearnet", n)
	}
	var audit struct {
		Blocked uint64 `json:"blocked"`
	}
	if c.query(t, &audit, "audit"); audit.Blocked != 2 {
		t.Errorf("%d blocked, want 2", audit.Blocked)
	}
	control.Close()
	c.stop(t, os.Interrupt)
}

// associate asks a SOCKS proxy for a UDP relay. The relay lives as long as the connection.
func associate(t *testing.T, proxy string) (control, relay net.Conn) {
	t.Helper()
	control, err := dialProxy(proxy)
	if err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 2+10)
	if _, err = control.Write([]byte{5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0}); err == nil {
		_, err = io.ReadFull(control, reply)
	}
	if err != nil || reply[3] != 0 || reply[5] != 1 {
		t.Fatalf("UDP ASSOCIATE: %v, %v", reply, err)
	}
	address := &net.UDPAddr{IP: reply[6:10], Port: int(binary.BigEndian.Uint16(reply[10:]))}
	if relay, err = net.DialUDP("udp", nil, address); err != nil {
		t.Fatal(err)
	}
	return control, relay
}
