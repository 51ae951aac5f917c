package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// ErrRunning: another clove has the data directory.
var ErrRunning = errors.New("another clove is running")

// probeTimeout bounds the question whether somebody listens on a socket of this machine.
const probeTimeout = time.Second

// maxSocketPath is the room in sockaddr_un, without the final zero.
func maxSocketPath() int {
	if runtime.GOOS == "linux" {
		return 107
	}
	return 103 // the BSDs and macOS
}

func checkPath(path string) error {
	if n := maxSocketPath(); len(path) > n {
		return fmt.Errorf("control socket %s: the path has %d bytes, and this system takes %d: choose a shorter data_dir", path, len(path), n)
	}
	return nil
}

// Check tells whether Listen can be expected to succeed, without changing anything: the path fits and nobody answers
// there, else ErrRunning.
func Check(path string) error {
	if err := checkPath(path); err != nil {
		return err
	}
	conn, err := net.DialTimeout("unix", path, probeTimeout)
	if err != nil {
		return nil
	}
	conn.Close()
	return fmt.Errorf("%w with this data directory (%s answers): stop it, or use another --data-dir", ErrRunning, path)
}

// listen opens the socket, mode 0600. One that a crash left behind is replaced; the lock of the netDb file, which its owner
// holds before it comes here, keeps two of us apart.
func listen(path string) (net.Listener, error) {
	if err := Check(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if info, serr := os.Lstat(path); serr == nil && info.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("control socket: %s is there and is no socket: move it away", path)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("control socket: %w", err)
		}
		l, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return l, nil
}
