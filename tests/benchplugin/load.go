//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"clove.i2p/tests/netns"
)

// loadCommand is the argument of the process that sends and reads the bytes.
const loadCommand = "load"

// A request is the number of bytes that are wanted, 8 bytes big endian; what comes back are these.

// serveLoad prints the address of a server, and then for each line "ADDRESS BYTES" how long the download took in nanoseconds.
func serveLoad(in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				var size [8]byte
				if _, err := io.ReadFull(conn, size[:]); err == nil {
					io.CopyBuffer(struct{ io.Writer }{conn}, netns.Bytes(int64(binary.BigEndian.Uint64(size[:]))), make([]byte, 64<<10))
				}
			}()
		}
	}()
	fmt.Fprintln(out, l.Addr())
	for {
		var address string
		var size int64
		if _, err := fmt.Fscanln(in, &address, &size); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		took, err := fetch(address, size)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, took.Nanoseconds())
	}
}

func fetch(address string, size int64) (time.Duration, error) {
	begin := time.Now()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := conn.Write(binary.BigEndian.AppendUint64(nil, uint64(size))); err != nil {
		return 0, err
	}
	err = same(conn, size)
	return time.Since(begin), err
}

// same reads size bytes and compares them with those that were sent.
func same(r io.Reader, size int64) error {
	got, want := make([]byte, 256<<10), make([]byte, 256<<10)
	source := netns.Bytes(size)
	for at := int64(0); at < size; {
		n, err := io.ReadFull(r, got[:min(int64(len(got)), size-at)])
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", at+int64(n), err)
		}
		if _, err := io.ReadFull(source, want[:n]); err != nil {
			return err
		}
		if !bytes.Equal(got[:n], want[:n]) {
			return fmt.Errorf("other bytes than were sent, from %d on", at)
		}
		at += int64(n)
	}
	return nil
}

// A loader is the process.
type loader struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	address string // of its server
}

func startLoader() (*loader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	l := &loader{cmd: exec.Command(self, loadCommand)}
	l.cmd.Stderr = os.Stderr
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if l.in, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.out = bufio.NewReader(out)
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := fmt.Fscanln(l.out, &l.address); err != nil {
		return nil, fmt.Errorf("the loader does not start: %w", err)
	}
	return l, nil
}

func (l *loader) download(address string, size int64) (time.Duration, error) {
	if _, err := fmt.Fprintln(l.in, address, size); err != nil {
		return 0, err
	}
	var took int64
	if _, err := fmt.Fscanln(l.out, &took); err != nil {
		return 0, fmt.Errorf("the loader ended: %w", err)
	}
	return time.Duration(took), nil
}

func (l *loader) stop() error { return errors.Join(l.in.Close(), l.cmd.Wait()) }
