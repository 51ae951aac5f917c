// Package control is the API of a running clove: HTTP and JSON on a unix socket that only its owner can open.
//
//	GET  /v1/status   Status
//	POST /v1/serve    {"target": DIR or URL, "key_file": PATH} -> {"eepsite": ..., "ready": ...} lines; the eepsite lives
//	                  as long as the request
//	GET  /debug/pprof/  profiles, for go tool pprof (net/http/pprof): profile, heap, goroutine, allocs, trace
//
// Errors are {"error": TEXT, "code": WORD} with a 4xx or 5xx status.
package control
