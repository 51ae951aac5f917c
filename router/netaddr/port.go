package netaddr

// minPort: lower ones are for privileged services.
const minPort = 1024

// servicePorts are higher UDP ports whose services answer what they do not know, and would be worth flooding through others.
var servicePorts = map[uint16]bool{
	1194: true, 1434: true, 1701: true, 1812: true, 1813: true, 1900: true, 2049: true, 3283: true, 3478: true, 3702: true, 4500: true,
	5060: true, 5061: true, 5351: true, 5353: true, 5355: true, 5683: true, 8612: true, 10001: true, 11211: true, 27015: true, 32414: true, 37810: true,
}

// PeerPort reports whether packets may go to this UDP port of a stranger: whoever names it, or forges the source of a packet, may
// want us to flood another service there. It is not for TCP, where that takes more than one packet, and peers listen on port 443.
func PeerPort(port uint16) bool { return port >= minPort && !servicePorts[port] }
