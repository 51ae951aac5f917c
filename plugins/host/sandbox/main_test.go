//go:build linux

package sandbox

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childEnv says, in a child in its sandbox, what it shall try.
const childEnv = "SANDBOX_TEST_CHILD"

func TestMain(m *testing.M) {
	Main()
	if what := os.Getenv(childEnv); what != "" {
		child(what)
		os.Exit(0)
	}
	if os.Getenv(parentEnv) != "" {
		parent()
	}
	goleak.VerifyTestMain(m)
}

func child(what string) {
	tries := map[string]func(){"look": look, "listen": listen, "dial": dialSockets, "eat": eat, "hoard": hoard, "fork": forkBomb, "family": family, "sleep": func() { select {} }}
	f := tries[what]
	if f == nil {
		fmt.Println("no such child:", what)
		os.Exit(2)
	}
	f()
}
