//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const ticksPerSecond = 100 // USER_HZ, the same on every Linux that Go runs on

// processTime is the CPU of a process and of all its descendants that there are.
func processTime(root int) (time.Duration, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	parent, ticks := map[int]int{}, map[int]int64{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		_, rest, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(rest) // from the third on: state, ppid, ...
		if len(f) < 13 {
			return 0, fmt.Errorf("%s is short", file)
		}
		parent[pid], _ = strconv.Atoi(f[1])
		user, err := strconv.ParseInt(f[11], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		system, err := strconv.ParseInt(f[12], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		ticks[pid] = user + system
	}
	if _, ok := ticks[root]; !ok {
		return 0, fmt.Errorf("process %d has ended", root)
	}
	var sum int64
	for pid := range ticks {
		for p := pid; p > 1; p = parent[p] {
			if p == root {
				sum += ticks[pid]
				break
			}
		}
	}
	return time.Duration(sum) * time.Second / ticksPerSecond, nil
}
