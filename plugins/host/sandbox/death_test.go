//go:build linux

package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const parentEnv = "SANDBOX_TEST_PARENT"

// parent is a clove that starts a plugin with a family, says its number, and waits to be killed.
func parent() {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	b, err := Open(path)
	if err != nil {
		panic(err)
	}
	p, err := Start(context.Background(), Spec{Binary: b, Folder: os.Getenv(parentEnv), Env: []string{childEnv + "=family"}, Memory: memoryOfTest()})
	if err != nil {
		panic(err)
	}
	if line, err := bufio.NewReader(p.Stdout).ReadString('\n'); err != nil {
		panic(line)
	}
	fmt.Println(p.PID())
	select {}
}

func memoryOfTest() int64 {
	if raceDetector {
		return NoMemoryLimit
	}
	return 0
}

func TestNoChildOutlivesClove(t *testing.T) {
	if first(t) == modePlain {
		t.Skip("without namespaces its children go on")
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-test.run=^$")
	cmd.Env = append(os.Environ(), parentEnv+"="+newOutside(t).run)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, convErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || convErr != nil {
		_ = cmd.Process.Kill()
		t.Fatal(line, err, cmd.Wait())
	}
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		t.Fatal(err)
	}
	if n := members(t, namespace); n < 2 {
		t.Fatalf("%d processes in the sandbox", n)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_ = cmd.Wait()
	for members(t, namespace) > 0 {
		if time.Since(began) > patience {
			t.Fatal("there are processes left")
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("all gone after %v", time.Since(began))
}

// members counts the processes of a process namespace that run.
func members(t *testing.T, namespace string) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if ns, err := os.Readlink("/proc/" + e.Name() + "/ns/pid"); err == nil && ns == namespace {
			stat, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
			if _, rest, ok := strings.Cut(string(stat), ") "); ok && rest[0] != 'Z' && rest[0] != 'X' {
				n++
			}
		}
	}
	return n
}

// Where the tests run as root, they run once more as somebody without any rights.
func TestAsNobody(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("is nobody in particular already")
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("/tmp", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := folder + "/sandbox.test"
	const nobody = 65534
	if err := os.WriteFile(path, self, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(folder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "-test.v", "-test.run=Child|Dial|Memory|Processes|Family|Outlives|Python|Probe")
	cmd.Dir = folder
	cmd.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + folder}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
