//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has cost so far.
type usage struct {
	cpu time.Duration
	rss int64 // bytes
}

const ticksPerSecond = 100 // USER_HZ, the same on every Linux that Go runs on

func (n *node) usage() (usage, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.pid()))
	if err != nil {
		return usage{}, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 22 {
		return usage{}, errors.New("short /proc/PID/stat")
	}
	var v [3]int64
	for i, at := range []int{11, 12, 21} { // utime, stime, rss
		if v[i], err = strconv.ParseInt(f[at], 10, 64); err != nil {
			return usage{}, err
		}
	}
	return usage{time.Duration(v[0]+v[1]) * time.Second / ticksPerSecond, v[2] * int64(os.Getpagesize())}, nil
}
