//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// fetched is one GET.
type fetched struct {
	first time.Duration // to the first byte of the answer
	bytes int
	hash  [sha256.Size]byte
}

// get reads one document through an HTTP proxy, or without one if host is empty. What the deadline cuts off is no error.
func get(ctx context.Context, via, host, path string, limit time.Duration) (f fetched, err error) {
	start := time.Now()
	conn, err := net.Dial("tcp", via)
	if err != nil {
		return f, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetDeadline(start.Add(limit))
	target := path
	if host != "" {
		target = "http://" + host + path
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target, host)
	r := bufio.NewReaderSize(conn, 1<<18)
	if _, err := r.Peek(1); err != nil {
		return f, err
	}
	f.first = time.Since(start)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return f, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		return f, fmt.Errorf("GET %s: %s: %.200s", path, answer.Status, b)
	}
	h := sha256.New()
	n, err := io.CopyBuffer(h, answer.Body, make([]byte, 1<<17))
	f.bytes, f.hash = int(n), [sha256.Size]byte(h.Sum(nil))
	if e := net.Error(nil); errors.As(err, &e) && e.Timeout() {
		err = nil
	}
	return f, err
}

// roundTrips are small GETs on one stream that stays open, through the SOCKS proxy.
func roundTrips(ctx context.Context, socks, host string, count int) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", socks)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if err := connectSOCKS(conn, host, 80); err != nil {
		return nil, err
	}
	const warm = 3
	var out []time.Duration
	r := bufio.NewReader(conn)
	for i := range count + warm {
		start := time.Now()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
		if _, err := r.Peek(1); err != nil {
			return nil, err
		}
		if i >= warm {
			out = append(out, time.Since(start))
		}
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return nil, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return out, nil
}

// connectSOCKS asks a SOCKS5 proxy for a host (RFC 1928).
func connectSOCKS(conn net.Conn, host string, port int) error {
	request := append([]byte{5, 1, 0, 5, 1, 0, 3, byte(len(host))}, host...)
	request = append(request, byte(port>>8), byte(port))
	if _, err := conn.Write(request[:3]); err != nil {
		return err
	}
	var method [2]byte
	if _, err := io.ReadFull(conn, method[:]); err != nil {
		return err
	}
	if _, err := conn.Write(request[3:]); err != nil {
		return err
	}
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return err
	}
	if head[1] != 0 {
		return errors.New("SOCKS reply code " + strconv.Itoa(int(head[1])))
	}
	rest := map[byte]int{1: 4, 4: 16}[head[3]] + 2
	_, err := io.CopyN(io.Discard, conn, int64(rest))
	return err
}
