// Command benchnetwork measures a private network of eight clove processes: throughput, latency, CPU and memory through
// tunnels of 1, 2 and 3 hops.
//
//	go run ./tests/benchnetwork -clove bin/clove [-size MB] [-repeat N] [-hops 1,2,3] [-streams 1,8] [-json FILE]
//	    [-transport ntcp2|ssu2|both] [-batching auto|batched|plain] [-compare [STREAMS=]FILE]... [-profile DIR]
//	go run ./tests/benchnetwork -i2pd PATH ...
//
// The routers are a client with the proxies, a server in front of a web server of this program, and six transit routers
// of which the first three are floodfills. Client and server carry no transit, so that every hop is one of the six. They
// run in a network namespace with nothing but loopback, each on an address of its own, with real sockets of the transports
// that -transport names. With -i2pd all of them are i2pd, from the same configuration, without the columns that it does not
// tell.
//
// For every tunnel length H (H hops in each direction at both ends) and number of streams at once it prints
//
//	ttfb    time to first byte of a small GET through the HTTP proxy, each on a new stream, with the LeaseSet and the
//	        end-to-end session in place
//	rtt     small GET on an open stream (SOCKS proxy), from the request to the first byte of the answer
//	MB/s    download of SIZE MB (10^6 bytes) through the HTTP proxy, split evenly among the streams; hashes are checked
//	cpu     CPU milliseconds per MB: client, server, sum of all transit routers, and that sum per hop (2*H hops carry
//	        the data; the acknowledgements go back through 2*H others)
//	RSS     resident MB after the downloads: client, server, largest transit router
//	drops   messages that queues had no room for, in all routers, and segments that were sent again
//	UDP/MB  UDP datagrams of all routers per MB as the kernel counts them: what it gets as one train with UDP_SEGMENT is one;
//	        and how many of them were lost because nobody read them in time
//
// All values are medians. "loopback" is the same download without I2P. -compare prints the ratios to a result of the same
// shape, this program's or that of another router's benchmark.
//
// Everybody shares the processors of one machine; ratios between two runs in the same hour mean more than either.
package main
