package main

import (
	"time"

	"clove.i2p/plugins/httpguard"
)

const (
	// dialTimeout of an exit, for a server of the web or for squid.
	dialTimeout = 30 * time.Second
	// answerTimeout is for the head of an answer from the web.
	answerTimeout = 2 * time.Minute
	// tunnelIdle and tunnelLinger end a CONNECT that moves nothing.
	tunnelIdle, tunnelLinger = 10 * time.Minute, time.Minute

	// maxAccounts of an exit's ledger: clients of a day. The store has 1 MiB, values 64 KiB: 24 bytes each in four values.
	maxAccounts   = 8192
	accountShards = 4
	// saveInterval: what a crash forgets of quotas and audit.
	saveInterval = 30 * time.Second
	// auditRows a day, about 40 bytes each; auditDays are kept.
	auditRows, auditDays = 1000, 10
	// graceBytes of a connection whose client's quota is used up: a head of a request, and the answer.
	graceBytes = 80 << 10
	// minBurst of a client's rate: a write of the relay must fit.
	minBurst = 64 << 10

	// exitDial is one attempt of a client to reach an exit: twice what an I2P stream usually needs at worst.
	exitDial = 45 * time.Second
	// exitAnswer is for the head of what an exit answers; it has answerTimeout for itself.
	exitAnswer = answerTimeout + 30*time.Second
	// maxAttempts are exits that are tried for one request.
	maxAttempts = 3
	// maxSticky is how many sites keep their exit: 64 KiB.
	maxSticky = 1024
	// backoffMin doubles with each failure of an exit up to backoffMax.
	backoffMin, backoffMax = 30 * time.Second, 30 * time.Minute
	// probeTick is how often the probes look whether one is due.
	probeTick = 15 * time.Second
	// maxErrorBody is what of an exit's error page goes on to the browser.
	maxErrorBody = 64 << 10
	// maxHead of an answer to CONNECT.
	maxHead = 32 << 10
)

// clientHeads: clove's own proxies allow 64 KiB, for the sake of large cookies.
func clientHeads() httpguard.Limits {
	l := httpguard.Strangers()
	l.LineBytes, l.HeadLines, l.HeadBytes = 32<<10, 200, 64<<10
	return l
}

// exitHeads: what a browser sends to the web does not fit into what eepsites take.
func exitHeads() httpguard.Limits { return clientHeads() }
