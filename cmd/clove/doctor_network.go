package main

import (
	"fmt"
	"regexp"
	"strconv"

	"clove.i2p/cmd/clove/internal/control"
)

// examineReachability says whether others reach clove, and what to do if not. It is no fault: clove works as it is.
func examineReachability(s control.Status) (out []finding) {
	for _, r := range s.Reachability {
		f := finding{Check: r.Family, State: fine, Text: r.State + ": " + r.Reason, Remedy: r.Next}
		switch {
		case r.State == "disabled":
			continue
		case r.Next != "":
			f.State = note
		}
		out = append(out, f)
	}
	for _, m := range s.PortMappings {
		switch {
		case m.Error != "":
			out = append(out, finding{"port mapping", note, m.Port + ": " + m.Error, "switch UPnP or NAT-PMP on in the home router, or forward the port by hand; router.port_mapping = false ends the attempts"})
		case m.External != "" && !m.Public:
			out = append(out, finding{"port mapping", note, fmt.Sprintf("%s is forwarded from %s, which is no address of the internet", m.Port, m.External), "forward it in the router before that one too, or ask the provider for an address of your own"})
		case m.External != "":
			out = append(out, finding{Check: "port mapping", State: fine, Text: fmt.Sprintf("%s is forwarded from %s by %s", m.Port, m.External, m.Protocol)})
		}
	}
	return out
}

// wantedBuffer is what SSU2 asks the system for, in KiB.
const wantedBuffer = 4096

var bufferSizes = regexp.MustCompile(`buffers (\d+)/(\d+) KiB`)

// examineSockets looks for UDP sockets with small buffers, which lose packets at speed. The same finding is given once.
func examineSockets(sockets []string) []finding {
	for _, s := range sockets {
		m := bufferSizes.FindStringSubmatch(s)
		if m == nil {
			continue
		}
		read, _ := strconv.Atoi(m[1])
		write, _ := strconv.Atoi(m[2])
		if min(read, write) < wantedBuffer {
			return []finding{{
				"UDP sockets", note, fmt.Sprintf("have buffers of %d KiB for what comes in and %d KiB for what goes out; packets are lost at speed below %d KiB", read, write, wantedBuffer),
				fmt.Sprintf("sysctl -w net.core.rmem_max=%d net.core.wmem_max=%[1]d, and start clove again", wantedBuffer<<10),
			}}
		}
	}
	if len(sockets) == 0 {
		return nil
	}
	return []finding{{Check: "UDP sockets", State: fine, Text: sockets[0]}}
}
