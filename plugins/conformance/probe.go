package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"clove.i2p/plugins/api/pb"
)

// probe sends something through the tunnel that fits its protocol.
func (x *trial) probe(ctx context.Context) error {
	switch x.typ.Protocol {
	case "raw", "echo":
		return x.roundTrip(ctx, 3000)
	case "http", "http-proxy":
		return x.probeHTTP(ctx)
	case "irc":
		return x.probeIRC(ctx)
	case "datagram":
		return x.probeDatagram(ctx)
	}
	return skip(fmt.Sprintf("its protocol is %q, which the suite does not know", x.typ.Protocol))
}

func (x *trial) probeHTTP(ctx context.Context) error {
	c, err := x.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(callTime))
	target, host := "/", peerName
	if x.typ.Protocol == "http-proxy" || x.typ.Destination != pb.DestinationKind_SERVER {
		target = "http://conformance.example/"
		host = "conformance.example"
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target, host); err != nil {
		return err
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return fmt.Errorf("no answer in HTTP: %w", err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("%s: body: %w", r.Status, err)
	}
	if r.StatusCode >= 500 && r.Header.Get("Proxy-Status") == "" {
		return fmt.Errorf("%s: %.200s", r.Status, body)
	}
	return nil
}

func (x *trial) probeIRC(ctx context.Context) error {
	c, err := x.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(callTime))
	if _, err := io.WriteString(c, "NICK probe\r\nUSER probe 0 * :probe\r\n"); err != nil {
		return err
	}
	lines := bufio.NewScanner(c)
	waitFor := func(word string) error {
		for lines.Scan() {
			if strings.Contains(lines.Text(), word) {
				return nil
			}
		}
		return fmt.Errorf("no line with %q came: %w", word, errors.Join(lines.Err(), io.ErrUnexpectedEOF))
	}
	if err := waitFor(" 001 "); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "PING :token\r\n"); err != nil {
		return err
	}
	return waitFor("PONG")
}
