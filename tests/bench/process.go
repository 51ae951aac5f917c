//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has cost so far.
type Usage struct {
	CPU    time.Duration // in steps of 10 ms
	RSS    int64         // bytes that it has in memory now
	Parent int           // the process that started it
}

const ticksPerSecond = 100 // USER_HZ, the same on every Linux that Go runs on

// UsageOf reads /proc/PID/stat.
func UsageOf(pid int) (u Usage, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest) // from the third on: state, ppid, ...
	if len(f) < 22 {
		return u, errors.New("short /proc/PID/stat")
	}
	var v [4]int64
	for i, at := range []int{1, 11, 12, 21} { // ppid, utime, stime, rss
		if v[i], err = strconv.ParseInt(f[at], 10, 64); err != nil {
			return u, err
		}
	}
	return Usage{time.Duration(v[1]+v[2]) * time.Second / ticksPerSecond, v[3] * int64(os.Getpagesize()), int(v[0])}, nil
}

// Load is the machine's load average of a minute.
func Load() string {
	b, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// I2pdVersion is what an i2pd says about itself.
func I2pdVersion(program string) string {
	out, err := exec.Command(program, "--version").Output()
	first, _, _ := bytes.Cut(out, []byte{'\n'})
	if f := strings.Fields(string(first)); err == nil && len(f) > 2 {
		return "i2pd " + f[2]
	}
	return "i2pd"
}
