package sandbox

import (
	"errors"
	"strings"
)

// Where things are inside. Without namespaces they are in Spec.Folder.
const (
	hostSocket   = "/run/clove/host.sock"
	dataSocket   = "/run/clove/data.sock"
	socketFolder = "/run/plugin"
	binaryFolder = "/plugin"
)

// socketFolderEnv tells a go-plugin server where to make its socket.
const socketFolderEnv = "PLUGIN_UNIX_SOCKET_DIR"

// Spec says what to start and what it may have.
type Spec struct {
	Binary *Binary
	Args   []string // without the program's own name
	// Env is KEY=value for the handshake. The sandbox sets PATH, LANG, HOME, TMPDIR, GOMEMLIMIT, the paths of the two sockets (the
	// names are in plugins/api) and the folder for the child's own.
	Env []string
	// HostSocket and DataSocket are unix sockets that the child may connect to. Both empty: none.
	HostSocket, DataSocket string
	// Folder has mode 0700 and is this process's own. Where there are no namespaces it holds the copy of the binary and the child's
	// sockets; its path is short.
	Folder string
	Memory int64 // bytes; 0 is DefaultMemory, NoMemoryLimit none
	Files  int   // open descriptors; 0 is DefaultFiles
}

// Capability is what confinement this machine allows. Of a Process: what it has.
type Capability struct {
	Namespaces bool `json:"namespaces"` // an empty network, a root, processes of its own
	Sockets    bool `json:"sockets"`    // no sockets but unix ones
	Files      bool `json:"files"`      // no files but the system's libraries and its own
	Limits     bool `json:"limits"`     // of memory, descriptors
	Dies       bool `json:"dies"`       // ends with clove, whatever happens, and its children too
	// Missing says in sentences what is not confined and how to change that.
	Missing []string `json:"missing,omitempty"`
}

// Full reports whether nothing is missing.
func (c Capability) Full() bool { return len(c.Missing) == 0 }

// String is one line for status and doctor.
func (c Capability) String() string {
	var has []string
	for _, p := range []struct {
		ok   bool
		text string
	}{
		{c.Namespaces, "an empty network and a root of its own"},
		{!c.Namespaces && c.Files, "only its own files"},
		{c.Sockets, "no sockets but unix ones"},
		{c.Limits, "limited memory and descriptors"},
		{c.Dies, "ends with clove"},
	} {
		if p.ok {
			has = append(has, p.text)
		}
	}
	switch {
	case len(has) == 0:
		return "not confined: " + strings.Join(c.Missing, " ")
	case !c.Full():
		return "partly confined (" + strings.Join(has, ", ") + "): " + strings.Join(c.Missing, " ")
	}
	return "confined: " + strings.Join(has, ", ")
}

var (
	// ErrUnsafe: a file that somebody else could have written, or could change.
	ErrUnsafe = errors.New("not safe to run")
	// ErrChanged: the content is not what was hashed when it was opened.
	ErrChanged = errors.New("the file changed while it was started")
	// ErrEnded: the process has ended.
	ErrEnded = errors.New("the process has ended")
)
