//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"clove.i2p/tests/bench"
)

// processTime is the CPU of a process and of all its descendants that there are.
func processTime(root int) (time.Duration, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	all := map[int]bench.Usage{}
	for _, file := range files {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if u, err := bench.UsageOf(pid); err == nil { // it may have ended
			all[pid] = u
		}
	}
	if _, ok := all[root]; !ok {
		return 0, fmt.Errorf("process %d has ended", root)
	}
	var sum time.Duration
	for pid, u := range all {
		for p := pid; p > 1; p = all[p].Parent {
			if p == root {
				sum += u.CPU
				break
			}
		}
	}
	return sum, nil
}
