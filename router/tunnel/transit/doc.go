// Package transit is the tunnels of others that run through this router (layer 6).
//
//	Build --> queue, fair per peer --> worker: open the record, admit, reply to the next hop --> tunnel in the table
//	Batch, Data, Gateway --> tunnel by its id: participant, gateway or endpoint --> Sender, once per next hop
//
// Data runs to completion on the goroutine of the session that it came from, a reader's batch at a time: one lock per
// tunnel, which nobody else wants as a rule; the layers of all messages put on together; no allocation; the buffer that
// came in goes out. Diffie-Hellman is done by the workers only, so data never waits for builds.
//
// Goroutines: the workers and one that expires tunnels, all started by Run and ended before it returns.
//
// The life of a tunnel:
//
//	request --admitted--> idle (keys only, about 0.5 KB) --first message--> active --10 minutes and a grace--> gone
//
// Read first: table.go, then batch.go for data and answer.go for builds.
package transit
