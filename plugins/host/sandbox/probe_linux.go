package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
)

// Probe tries what this machine allows, once: it runs the shim, which builds a sandbox and ends.
func Probe() Capability {
	_, c := probe()
	return c
}

var probe = sync.OnceValues(func() (mode, Capability) {
	modes := []mode{modeSingle, modePlain}
	if os.Geteuid() == 0 {
		modes = append([]mode{modeSplit}, modes...)
	}
	var c Capability
	var err error
	for _, m := range modes {
		// Less confinement must not be the answer to a machine that is slow for a moment.
		for range probeTries {
			if c, err = try(m); err == nil {
				return m, c
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
				break
			}
		}
	}
	return modePlain, Capability{Missing: []string{fmt.Sprintf("The sandbox does not start: %v.", err)}}
})

func try(m mode) (Capability, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	p, err := start(ctx, order{Mode: m, Probe: true, Name: "probe", System: true, Memory: DefaultMemory, Files: DefaultFiles}, nil)
	if err != nil {
		return Capability{}, err
	}
	p.Kill()
	_, _ = p.Stdout.Close(), p.Stderr.Close()
	return p.Capability(), nil
}
