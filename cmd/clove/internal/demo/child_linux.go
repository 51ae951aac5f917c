package demo

import (
	"os/exec"
	"runtime"
	"syscall"
)

// dieWithUs ends a child when the thread that started it ends: see lockThread.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// lockThread keeps the thread of this goroutine for as long as it runs.
func lockThread() { runtime.LockOSThread() }
