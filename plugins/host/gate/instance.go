package gate

import (
	"context"
	"log/slog"

	"clove.i2p/plugins/api/pb"
)

// InstanceConfig says what a plugin process is.
type InstanceConfig struct {
	Plugin      string          // its name, for texts and logs
	Permissions []pb.Permission // granted by the user
	Parent      string          // folder to put the 0700 folder in; empty: that for temporary files. Sockets have short paths.
	Log         *slog.Logger    // for what the plugin logs; nil: the Gate's
}

// Instance is one plugin process: its two sockets, its permissions, and what it holds.
//
//	NewInstance -> start the process with Env -> Serve(ctx, pid) ... ctx ends
//	                        Attach, Detach tunnels: at any time
type Instance struct{}

// NewInstance makes the folder and listens on the two sockets. The caller has to call Serve or Close.
func (g *Gate) NewInstance(cfg InstanceConfig) (*Instance, error) { panic("gate: not yet") }

// Folder has mode 0700 and the two sockets in it: what a sandbox has to let the plugin see.
func (i *Instance) Folder() string { panic("gate: not yet") }

// HostSocket is the path for api.HostEnv.
func (i *Instance) HostSocket() string { panic("gate: not yet") }

// DataSocket is the path for api.DataEnv.
func (i *Instance) DataSocket() string { panic("gate: not yet") }

// Env is what the process needs in its environment to find the sockets, as NAME=value.
func (i *Instance) Env() []string { panic("gate: not yet") }

// Serve serves the process until ctx ends. Only that process, its descendants and our user may connect; pid 0 is not known, and
// any process of our user may. At the end the connections of the process are closed and its tickets void; what it had not yet
// taken waits for another process, and so do the listeners.
func (i *Instance) Serve(ctx context.Context, pid int) error { panic("gate: not yet") }

// Attach lets the process use a tunnel. Several processes may use one: the newest that listens gets what arrives.
func (i *Instance) Attach(tunnel string) error { panic("gate: not yet") }

// Detach takes the tunnel away: the process's connections of it are closed. Its listeners stay.
func (i *Instance) Detach(tunnel string) { panic("gate: not yet") }

// Retire says that another process takes over: from now on CloseListener by this one leaves the listeners where they are.
func (i *Instance) Retire() { panic("gate: not yet") }

// Close ends an instance that was not served.
func (i *Instance) Close() { panic("gate: not yet") }

// PermissionName is the name of a permission in configuration: "dial-i2p".
func PermissionName(p pb.Permission) string { panic("gate: not yet") }

// ParsePermission is its inverse. The error names the permissions that there are.
func ParsePermission(name string) (pb.Permission, error) { panic("gate: not yet") }
