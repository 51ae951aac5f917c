package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// mode is how much of the confinement is tried, best first.
type mode int

const (
	// modeSplit: namespaces; the child is another user outside than clove. Needs root.
	modeSplit mode = iota
	// modeSingle: namespaces; the child is the same user as clove outside.
	modeSingle
	// modePlain: no namespaces; Landlock, seccomp, limits.
	modePlain
)

// order is what Start tells the shim.
type order struct {
	Mode       mode
	Probe      bool // build everything, execute nothing
	Name       string
	Args       []string
	Env        []string
	SHA256     string
	Size       int64
	System     bool // needs the folders of the system
	HostSocket string
	DataSocket string
	Folder     string
	Memory     int64
	Files      int
}

// report is what the shim answers: that all is built, or why not. After the go it sends one more only if the exec fails.
type report struct {
	Error      string
	Capability Capability
}

// channel is one end of the socketpair: one JSON message to a packet, with one descriptor at most.
type channel struct{ conn *net.UnixConn }

func newChannel(f *os.File) (channel, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return channel{}, err
	}
	c, ok := conn.(*net.UnixConn)
	if !ok {
		_ = conn.Close()
		return channel{}, fmt.Errorf("sandbox: not a unix socket")
	}
	return channel{c}, nil
}

func (c channel) send(v any, fd int) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > maxOrder {
		return fmt.Errorf("sandbox: arguments and environment of %d bytes, more than %d", len(b), maxOrder)
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	_, _, err = c.conn.WriteMsgUnix(b, rights, nil)
	return err
}

// receive fills v. The descriptor is nil if none came. At the end of the other side it is io.EOF.
func (c channel) receive(v any, deadline time.Time) (*os.File, error) {
	if err := c.conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	buf := make([]byte, maxOrder+1)
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := c.conn.ReadMsgUnix(buf, oob)
	if err != nil {
		return nil, err
	}
	f := receivedFile(oob[:oobn])
	if err := json.Unmarshal(buf[:n], v); err != nil {
		if f != nil {
			_ = f.Close()
		}
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return f, nil
}

func receivedFile(oob []byte) *os.File {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		return nil
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil
	}
	return os.NewFile(uintptr(fds[0]), "sandbox")
}
