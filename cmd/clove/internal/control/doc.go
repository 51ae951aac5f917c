// Package control is the API of a running clove: HTTP and JSON on a unix socket that only its owner can open.
//
//	GET    /v1/status                      Status
//	POST   /v1/serve                       ServeRequest -> ServeProgress lines; the eepsite lives as long as the request
//	POST   /v1/reload                      ReloadRequest -> Plan
//
//	GET    /v1/plugins                     [host.PluginStatus]
//	POST   /v1/plugins                     PluginRequest -> host.PluginStatus: register
//	POST   /v1/plugins/inspect             PluginRequest -> host.PluginStatus: what is this program
//	DELETE /v1/plugins/NAME                forget it
//	POST   /v1/plugins/NAME/attach         start it, with its tunnels
//	POST   /v1/plugins/NAME/detach         drain its tunnels and stop it
//	POST   /v1/plugins/NAME/restart
//	POST   /v1/plugins/NAME/upgrade        PluginRequest -> host.PluginStatus: another program takes its tunnels over
//	GET    /v1/plugins/NAME/logs           [host.LogLine]
//
//	GET    /v1/tunnels                     [host.TunnelStatus]
//	POST   /v1/tunnels                     TunnelRequest -> host.TunnelStatus: add and start
//	GET    /v1/tunnels/NAME                host.TunnelStatus, with metrics
//	GET    /v1/tunnels/NAME/store          {KEY: TEXT}: what the tunnel keeps; also prefix
//	PATCH  /v1/tunnels/NAME                TunnelRequest -> TunnelEdited
//	DELETE /v1/tunnels/NAME                stop it and forget it; its keys stay
//	POST   /v1/tunnels/NAME/start, stop
//
//	GET    /v1/connections                 [Connection]
//	DELETE /v1/connections/ID              end it
//	GET    /v1/rules/explain?url=...       proxies.Explanation; also listener, user, method
//	GET    /v1/audit                       proxies.Audit
//
//	GET    /debug/pprof/                   profiles, for go tool pprof (net/http/pprof): profile, heap, goroutine, allocs, trace
//
// Answers to what changes something and has nothing to tell are {}. Errors are {"error": TEXT, "code": WORD} with a 4xx or 5xx
// status; the words are those of codes in errors.go.
package control
