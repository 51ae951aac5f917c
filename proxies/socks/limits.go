package socks

import "time"

const (
	// defaultHandshake is that of Java I2P. A client that stays silent holds a goroutine and a descriptor.
	defaultHandshake = 15 * time.Second

	// defaultReadyWait is long: a SOCKS client cannot be shown a page that reloads.
	defaultReadyWait = 60 * time.Second

	// maxField is for the fields of SOCKS 4 that end with a zero byte. It is that of the counted ones of SOCKS 5.
	maxField = 255

	// replyTime bounds the writing of a reply of ten bytes.
	replyTime = 10 * time.Second
)
