package proxies

import (
	"sync"
	"time"
)

// WaitFor waits for a group of connections within ShutdownWait.
func WaitFor(conns *sync.WaitGroup) bool {
	done := make(chan struct{})
	go func() {
		conns.Wait()
		close(done)
	}()
	late := time.NewTimer(ShutdownWait)
	defer late.Stop()
	select {
	case <-done:
		return true
	case <-late.C:
		return false
	}
}
