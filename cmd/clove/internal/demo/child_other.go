//go:build !linux

package demo

import "os/exec"

func dieWithUs(*exec.Cmd) {}

func lockThread() {}
