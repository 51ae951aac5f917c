package gate_test

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc to count descriptors in")
	}
	return len(all)
}

func TestHalfPreamblesCostLittle(t *testing.T) {
	b := newBed(t)
	works := good(b)
	b.tunnel("t")
	p := b.start("t")
	works()
	runtime.GC()
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	var mine []int
	defer func() {
		for _, fd := range mine {
			_ = syscall.Close(fd)
		}
	}()
	for len(mine) < 10000 {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			break // no more descriptors
		}
		mine = append(mine, fd)
		if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: p.instance.DataSocket()}); err != nil {
			break // the kernel's queue is full: EAGAIN
		}
		_, _ = syscall.Write(fd, []byte("CLVP\x01"))
	}
	if len(mine) < 200 {
		t.Fatalf("only %d connections were made", len(mine))
	}
	works()
	if n := runtime.NumGoroutine() - goroutines; n > 64+20 {
		t.Errorf("%d connections cost %d goroutines", len(mine), n)
	}
	if n := descriptors(t) - files - len(mine); n > 64+20 {
		t.Errorf("%d connections cost %d descriptors", len(mine), n)
	}
	t.Logf("%d connections: %d goroutines, %d descriptors", len(mine), runtime.NumGoroutine()-goroutines, descriptors(t)-files-len(mine))
	ends := make(chan struct{})
	go func() {
		p.end()
		close(ends)
	}()
	select {
	case <-ends:
	case <-time.After(patience):
		t.Fatal("the end of the process waits for half preambles")
	}
}
