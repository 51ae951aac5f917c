// Package flow is the reliability of one SSU2 session (layer 6): packet numbers, acks, loss, resends, congestion, pacing, path MTU, fragments.
package flow
