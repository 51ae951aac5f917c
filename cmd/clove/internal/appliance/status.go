package appliance

import (
	"os"
	"runtime"
	"runtime/metrics"
	"time"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/plugins/host/sandbox"
)

// Status is a snapshot for the control API.
func (a *Appliance) Status() control.Status {
	s := control.NewStatus(a.router.Status(), time.Now())
	s.HTTPProxy, s.SOCKSProxy = a.address("http"), a.address("socks")
	a.mu.Lock()
	for name, p := range a.proxies {
		if p.server != nil {
			s.Proxies[name] = p.server.Stats()
		}
	}
	a.mu.Unlock()
	if a.host != nil {
		confined := sandbox.Probe()
		s.Sandbox = &confined
		s.Tunnels = a.host.Tunnels()
	}
	s.Process = process()
	return s
}

func process() control.Process {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}}
	metrics.Read(samples)
	p := control.Process{
		Goroutines: runtime.NumGoroutine(), HeapBytes: samples[0].Value.Uint64(),
		CPUSeconds: samples[1].Value.Float64() - samples[2].Value.Float64(),
	}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		p.FileDescriptors = len(entries)
	}
	return p
}
