//go:build linux

package sandbox

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// hoard tries each way to memory that RLIMIT_DATA does not count, and says which it got.
func hoard() {
	got := func(what string, err error) {
		if err == nil {
			fmt.Println("GOT", what)
		}
	}
	for what, flags := range map[string]int{"shared": unix.MAP_SHARED, "shared, validated": unix.MAP_SHARED_VALIDATE} {
		_, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, flags|unix.MAP_ANONYMOUS)
		got(what, err)
	}
	if f, err := os.OpenFile("/dev/zero", os.O_RDWR, 0); err == nil {
		_, err = unix.Mmap(int(f.Fd()), 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		got("zero", err)
	}
	_, err := unix.MemfdCreate("x", 0)
	got("memfd", err)
	for what, call := range map[string]uintptr{"shm": unix.SYS_SHMGET, "msg": unix.SYS_MSGGET, "sem": unix.SYS_SEMGET} {
		if _, _, e := unix.Syscall(call, 0, 1, 0o1600); e == 0 {
			fmt.Println("GOT", what)
		}
	}
	_, err = unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	fmt.Println("private:", err)
}

func TestNoMemoryBesidesTheLimit(t *testing.T) {
	if mmapCall == 0 {
		t.Skip("no filter for system calls on this processor")
	}
	for name, m := range modes(t) {
		t.Run(name, func(t *testing.T) {
			p := run(t, m, newOutside(t), self(t), DefaultMemory, childEnv+"=hoard")
			if out := output(t, p); strings.Contains(out, "GOT") || !strings.Contains(out, "private: <nil>") {
				t.Error(out)
			}
		})
	}
}
