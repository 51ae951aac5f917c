// Package host runs tunnel plugins: which programs may be started, one process each, what each tunnel is given, and how they are
// replaced while everything else goes on (above plugins/host/sandbox and plugins/host/gate).
//
//	configuration -> Apply -> plugin (one loop each) -> process: sandbox, gate.Instance, gRPC to the plugin
//	                                                 -> tunnel: settings checked by schema and plugin; grants -> gate
//
// Nothing that a plugin says goes through here but control: descriptions, problems, health, metrics, log lines; all of it is bounded
// (limits.go), and every call has a deadline. Bytes are the gate's.
//
// hashicorp/go-plugin starts the process and does the handshake. The gRPC connection is our own, because go-plugin's takes answers of
// 2 GiB, and its broker one goroutine and map entry for each message that a plugin sends.
//
// Goroutines: a loop for each plugin, which does everything to its process and tunnels, one after the other; it is the only writer of
// their states. A process has two more: the gate's service and the reader of its output. After an upgrade one drains the old process. All
// end with Run.
//
// Read first: plugin.go (the states), process.go (a process from start to end), tunnel.go, upgrade.go.
package host
