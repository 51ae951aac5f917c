// Package httpguard is net/http's server for streams of I2P (layer 1): the same Handler and the same features, behind a guard that
// reads each request's head first, as strangers write them: limits on lines, sizes and time with the status that tells which
// one it was, and no request of which two readers could have two opinions.
//
//	stream -> Conn: gathers a head, checks it (head.go), follows the body to its end (body.go) -> http.Server -> Handler
//
// A head that is refused never reaches net/http. In its place goes a request of our own, marked with a secret, so that the
// refusal is answered in its turn and through the same Handler as everything else.
//
// Goroutines: those of http.Server, one or two per connection. They end with their connections, and Serve returns when there are none.
package httpguard
