package sandbox

import (
	"context"
	"errors"
	"net"
	"os"
)

// Where things are inside, for the environment of the child.
const (
	// HostSocket and DataSocket are where Spec.HostSocket and Spec.DataSocket appear.
	HostSocket = "/run/clove/host.sock"
	DataSocket = "/run/clove/data.sock"
	// SocketFolder is where the child makes sockets of its own; Process.Dial reaches them.
	SocketFolder = "/run/plugin"
)

// Spec says what to start and what it may have.
type Spec struct {
	Binary *Binary
	Args   []string
	Env    []string // KEY=value, besides PATH, LANG, HOME, TMPDIR, GOMEMLIMIT, which the sandbox sets
	// HostSocket and DataSocket are unix sockets outside, that the child finds under the constants of the same names (without
	// namespaces: under their own paths).
	HostSocket, DataSocket string
	Folder                 string // 0700 folder of this process outside, for what has to lie somewhere without namespaces
	Memory                 int64  // bytes; 0 is DefaultMemory
	Files                  int    // open descriptors; 0 is DefaultFiles
}

// Capability is what confinement this machine allows. Of a Process: what it has.
type Capability struct {
	Namespaces bool `json:"namespaces"` // user, mount, net, pid, ipc, uts: an empty network and a root of its own
	Sockets    bool `json:"sockets"`    // seccomp: no sockets but unix ones
	Files      bool `json:"files"`      // only its own files: a root of its own, or Landlock
	Limits     bool `json:"limits"`     // memory, descriptors
	Dies       bool `json:"dies"`       // ends with clove, whatever happens
	// Missing says in whole sentences what is not confined and how to change that; empty is all there.
	Missing []string `json:"missing,omitempty"`
}

// Full reports whether nothing is missing.
func (c Capability) Full() bool { return len(c.Missing) == 0 }

// String is one line for status and doctor.
func (c Capability) String() string { panic("not yet") }

// ErrUnsafe: a file that somebody else could have written, or could change.
var ErrUnsafe = errors.New("not safe to run")

// Binary is an executable file, opened once, checked and hashed.
type Binary struct {
	Path   string
	SHA256 string // hexadecimal
	file   *os.File
}

// Open refuses what is not a regular executable file, a symlink, a file or folder that group or others can write, and a foreign
// owner: ErrUnsafe, with a text that says what to do.
func Open(path string) (*Binary, error) { panic("not yet") }

// Close closes the file. A Process that was started goes on.
func (b *Binary) Close() error { return b.file.Close() }

// Start starts the child. It runs until it ends, Kill, or the end of this process; ctx is for the start only.
func Start(ctx context.Context, spec Spec) (*Process, error) { panic("not yet") }

// Process is a child in its sandbox.
type Process struct {
	Stdout, Stderr *os.File
}

// PID as this process sees it.
func (p *Process) PID() int { panic("not yet") }

// Done is closed when the process has ended; Err then says how.
func (p *Process) Done() <-chan struct{} { panic("not yet") }

// Err is how the process ended: nil for exit status 0.
func (p *Process) Err() error { panic("not yet") }

// Kill ends the process and all its children now, and waits.
func (p *Process) Kill() { panic("not yet") }

// Dial connects to a unix socket that the child made in SocketFolder, by its path as the child says it. What is not there, a
// symlink for example, is refused.
func (p *Process) Dial(ctx context.Context, path string) (net.Conn, error) { panic("not yet") }

// Capability is how this process is confined.
func (p *Process) Capability() Capability { panic("not yet") }

// Memory is the resident memory in bytes, 0 where it is not known.
func (p *Process) Memory() int64 { panic("not yet") }

// Probe tries what this machine allows, once.
func Probe() Capability { panic("not yet") }

// Main is called first thing in main, and in TestMain of a test that starts plugins. In a process that Start has started it does
// not return; in any other it does nothing.
func Main() {}

// RuntimeFolder makes (or checks) a short 0700 folder for sockets: in XDG_RUNTIME_DIR, else in the system's temporary folder. The
// caller removes it.
func RuntimeFolder() (string, error) { panic("not yet") }
