//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// get reads size bytes from the web server: over a SOCKS5 proxy, or an address that leads there.
func get(via string, socks bool, host string, size int64) error {
	conn, err := net.Dial("tcp", via)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(fetchLimit))
	if socks {
		if err := connectSOCKS(conn, host); err != nil {
			return err
		}
	}
	fmt.Fprintf(conn, "GET /bytes/%d HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", size, host)
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 256<<10), nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", answer.Status)
	}
	return same(answer.Body, size)
}

// connectSOCKS asks a SOCKS5 proxy for port 80 of a host (RFC 1928).
func connectSOCKS(conn net.Conn, host string) error {
	request := append([]byte{5, 1, 0, 5, 1, 0, 3, byte(len(host))}, host...)
	if _, err := conn.Write(append(request, 0, 80)); err != nil {
		return err
	}
	var reply [2 + 10]byte // clove answers with an IPv4 address
	if _, err := io.ReadFull(conn, reply[:]); err != nil {
		return err
	}
	if reply[3] != 0 {
		return fmt.Errorf("SOCKS reply code %d", reply[3])
	}
	return nil
}
