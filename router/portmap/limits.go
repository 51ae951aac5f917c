package portmap

import "time"

const (
	// maxPorts: one of each transport and IP version, and room for as many.
	maxPorts = 8
	// DefaultLease: RFC 6886 section 3.3 recommends two hours; with one a gateway that does not know that we died keeps the
	// port for less.
	DefaultLease = time.Hour
	maxLease     = 24 * time.Hour
	// controlPort is that of PCP and NAT-PMP, searchPort that of SSDP.
	controlPort = 5351
	searchPort  = 1900
)

const (
	// maxDatagram is the longest PCP message (RFC 6887, section 7). An SSDP answer that is longer is cut, and so not read.
	maxDatagram = 1100
	maxSearch   = 2048
	// maxAnswers bounds the datagrams that are looked at for one question: the rest of the network may send what it likes.
	maxAnswers = 64
	// maxDevices bounds the UPnP devices that are asked for a description in one search.
	maxDevices = 4
	// maxBody bounds a UPnP description or SOAP answer: descriptions have up to some 30 KiB. maxHeaders bounds its HTTP header.
	maxBody    = 256 << 10
	maxHeaders = 16 << 10
	// maxURL bounds what a device says about where to find it.
	maxURL = 512
	// maxPortTries is how many external ports are asked for when others hold them.
	maxPortTries = 5
	// maxErrorText bounds what of a device's words gets into an error.
	maxErrorText = 200
)

// timings of a Mapper; tests shorten them.
type timings struct {
	// answer bounds one question to the gateway with its resends, the first after resend; search the wait for UPnP devices.
	answer, resend, search time.Duration
	// renewMin keeps a gateway that grants a lease of a second from being asked all the time.
	renewMin time.Duration
	// A search that found nothing is done again after retryMin, doubled each time up to retryMax: who switches UPnP on
	// should not have to restart the router, and multicasts into a network without a gateway are noise.
	retryMin, retryMax time.Duration
	// check is how often the default gateway is read: the laptop may have moved.
	check time.Duration
	// remove bounds the removal of all mappings when Run ends.
	remove time.Duration
}

var usual = timings{
	answer: 3 * time.Second, resend: 250 * time.Millisecond, search: 3 * time.Second,
	renewMin: 30 * time.Second, retryMin: time.Minute, retryMax: 30 * time.Minute,
	check: 30 * time.Second, remove: 3 * time.Second,
}
