package e2e_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clove.i2p/router/i2p"
)

// Bytes that no program would send, to every port of a running clove, while somebody reads an eepsite through it: the
// NTCP2 port says nothing and closes, nothing crashes or grows, and the reader notices nothing.
func TestHostileBytes(t *testing.T) {
	n := startNetwork(t, 6, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("the page")) }))
	c, r, info := n.join(t)
	recorded := record(t, info)
	before := c.status(t, r.Control).Process

	reader := startReader(t, r, n.eepsite)
	random := rand.NewChaCha8([32]byte{1})
	var attacks sync.WaitGroup
	attacks.Go(func() { attackNTCP2(t, ntcp2Port(t, info), recorded, info, random) })
	attacks.Go(func() { attackProxies(t, r, n.eepsite) })
	attacks.Wait()
	good, bad := reader.stop()
	t.Logf("%d good requests meanwhile", good)
	if bad != nil || good < 10 {
		t.Errorf("%d good requests, then %v", good, bad)
	}

	// What the attacks opened is closed by now or within the time of a handshake.
	var after = c.status(t, r.Control).Process
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); after = c.status(t, r.Control).Process {
		if after.Goroutines <= before.Goroutines+100 && after.FileDescriptors <= before.FileDescriptors+40 {
			break
		}
		time.Sleep(time.Second) // another process: there is nothing to wait for
	}
	t.Logf("before %+v, after %+v", before, after)
	if after.Goroutines > before.Goroutines+100 || after.FileDescriptors > before.FileDescriptors+40 || after.HeapBytes > before.HeapBytes+64<<20 {
		t.Errorf("grows: before %+v, after %+v", before, after)
	}
	if log := c.stderr.String(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
		t.Errorf("log:\n%s", log)
	}
	if log := c.stderr.String(); strings.Contains(log, strings.TrimSuffix(n.eepsite, ".b32.i2p")[:6]) {
		t.Errorf("the log names whom the user visited:\n%s", log)
	}
	c.stop(t, os.Interrupt)
}

func ntcp2Port(t *testing.T, info *i2p.RouterInfo) string {
	t.Helper()
	for _, a := range info.Addresses() {
		if a.Style == "NTCP2" && a.Host().IsValid() {
			return a.AddrPort().String()
		}
	}
	t.Fatal("no NTCP2 address")
	return ""
}

// attackNTCP2 sends what is wrong in one way each. recorded is a handshake that was good, once.
func attackNTCP2(t *testing.T, address string, recorded []byte, info *i2p.RouterInfo, random *rand.ChaCha8) {
	fill := func(n int) []byte {
		b := make([]byte, n)
		random.Read(b)
		return b
	}
	attacks := map[string][]byte{
		"nothing":             {},
		"one byte":            {0},
		"replay":              recorded,
		"replay of request":   recorded[:64],
		"truncated request":   recorded[:63],
		"truncated key":       recorded[:31],
		"request with a flip": flip(recorded[:64], 40),
		"key with a flip":     flip(recorded, 3),
		"zeros":               make([]byte, 64),
		"zero key":            append(make([]byte, 32), fill(32)...),
		"HTTP":                []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"TLS":                 append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, fill(506)...),
		"own hash":            bytes.Repeat(first(info), 4),
		"oversized":           fill(1 << 20),
		"oversized replay":    append(bytes.Clone(recorded[:64]), fill(1<<20)...),
	}
	for i := range 40 {
		attacks[fmt.Sprintf("random %d", i)] = fill(1 + i*i)
	}
	var all sync.WaitGroup
	slots := make(chan struct{}, 8)
	for name, b := range attacks {
		for _, end := range []bool{true, false} {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				if err := probe(address, b, end); err != nil {
					t.Errorf("%s, end of input %v: %v", name, end, err)
				}
			})
		}
	}
	all.Wait()
}

func first(info *i2p.RouterInfo) []byte { h := info.Hash(); return h[:] }

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// probe sends bytes and, if end, the end of input; it wants the connection closed without any answer.
func probe(address string, b []byte, end bool) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	_, err = conn.Write(b)
	if err == nil && end {
		err = conn.(*net.TCPConn).CloseWrite()
	}
	if err != nil && !closed(err) {
		return err
	}
	answer := make([]byte, 1024)
	switch n, err := conn.Read(answer); {
	case n > 0:
		return fmt.Errorf("it answers %s", hex.EncodeToString(answer[:n]))
	case !closed(err):
		return fmt.Errorf("it does not close: %w", err)
	}
	return nil
}

func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ENOTCONN)
}

// attackProxies wants every connection answered or closed.
func attackProxies(t *testing.T, r ready, eepsite string) {
	long := strings.Repeat("a", 300_000)
	attacks := map[string]string{
		"nothing": "", "zeros": strings.Repeat("\x00", 4096), "ones": strings.Repeat("\xff", 4096), "newlines": strings.Repeat("\r\n", 50_000),
		"SOCKS5 without methods": "\x05\x00", "SOCKS5 truncated": "\x05\x01", "SOCKS5 bad version": "\x05\x01\x00\x09\x01\x00\x03\x01a\x00\x50",
		"SOCKS5 empty host": "\x05\x01\x00\x05\x01\x00\x03\x00\x00\x50", "SOCKS5 address type": "\x05\x01\x00\x05\x01\x00\x77abc",
		"SOCKS5 UDP": "\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00", "SOCKS5 BIND": "\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50",
		"SOCKS5 host with nonsense": "\x05\x01\x00\x05\x01\x00\x03\x0ba\x00b\r\nc: d.i2p\x00\x50", "SOCKS5 port 0": "\x05\x01\x00\x05\x01\x00\x03\x05a.i2p\x00\x00",
		"SOCKS4 endless user": "\x04\x01\x00\x50\x00\x00\x00\x01" + long, "SOCKS4 endless host": "\x04\x01\x00\x50\x00\x00\x00\x01u\x00" + long,
		"SOCKS4 bind": "\x04\x02\x00\x50\x00\x00\x00\x01\x00a.i2p\x00", "long line": "GET http://" + long, "long path": "GET http://a.i2p/" + long + " HTTP/1.1\r\nHost: a.i2p\r\n\r\n",
		"long header":     "GET http://a.i2p/ HTTP/1.1\r\nX: " + long + "\r\n\r\n",
		"many headers":    "GET http://a.i2p/ HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 50_000) + "\r\n",
		"two lengths":     "POST http://" + eepsite + "/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"both lengths":    "POST http://" + eepsite + "/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz",
		"bad chunks":      "POST http://" + eepsite + "/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"negative length": "POST http://a.i2p/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "no version": "GET http://a.i2p/\r\n\r\n",
		"CONNECT nowhere": "CONNECT : HTTP/1.1\r\nHost: :\r\n\r\n", "CONNECT port": "CONNECT a.i2p:99999 HTTP/1.1\r\n\r\n", "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"asterisk": "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "control": "GET http://\x00a.i2p/ HTTP/1.1\r\nHost: \x00\r\n\r\n", "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	}
	var all sync.WaitGroup
	for _, address := range []string{r.HTTPProxy, r.SOCKSProxy} {
		for name, text := range attacks {
			all.Go(func() {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(patience))
				go func() {
					io.WriteString(conn, text)
					conn.(*net.TCPConn).CloseWrite()
				}()
				if _, err := io.Copy(io.Discard, conn); err != nil && !closed(err) {
					t.Errorf("%s to %s: %v", name, address, err)
				}
			})
		}
		for range 200 { // who connects and says nothing, and goes
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Errorf("silent: %v", err)
				break
			}
			defer conn.Close()
		}
	}
	all.Wait()
}

// A reader reads the eepsite again and again.
type reader struct {
	cancel context.CancelFunc
	ended  chan struct{}
	good   atomic.Int64
	bad    error
}

func startReader(t *testing.T, r ready, eepsite string) *reader {
	ctx, cancel := context.WithCancel(t.Context())
	re := &reader{cancel: cancel, ended: make(chan struct{})}
	client := throughHTTP(r)
	go func() {
		defer close(re.ended)
		for ctx.Err() == nil || re.good.Load() < 10 {
			answer, err := client.Get("http://" + eepsite + "/")
			if err != nil {
				re.bad = err
				return
			}
			b, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil || answer.StatusCode != 200 || string(b) != "the page" {
				re.bad = fmt.Errorf("%s %q, %w", answer.Status, b, err)
				return
			}
			re.good.Add(1)
		}
	}()
	return re
}

func (r *reader) stop() (good int64, bad error) {
	r.cancel()
	<-r.ended
	return r.good.Load(), r.bad
}
