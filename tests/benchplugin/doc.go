// Command benchplugin measures what a plugin costs: throughput and CPU of the same bytes through a plugin and without one.
//
//	go run ./tests/benchplugin -clove bin/clove [-gate-size MB] [-size MB] [-repeat N] [-hops 0,1]
//
// It takes the plugins beside clove, which make build puts there. There are two parts:
//
//	gate    a TCP client -> the tcp-client plugin -> a connection that stands for a stream of I2P, and the same with the
//	        plain relay that clove's own proxies use in place of the plugin. This program is the host, with the real gate
//	        and the real sandbox. Whoever sends and reads the bytes is another process, whose CPU is not counted.
//	whole   two clove processes and three routers between them, in a network namespace with nothing but loopback, with I2P
//	        tunnels of each of these lengths. Without a plugin: the client's SOCKS proxy and the server's clove serve. With
//	        one: tcp-client at the client; tcp-server or http-server at the server.
//
// For each way it prints
//
//	MB/s    10^6 bytes per second of one download, whose bytes are compared
//	CPU     seconds per GB (10^9 bytes) of clove and its plugin processes together, on the side where the plugin is
//	x       both beside those without a plugin
//	min-max of the MB/s, which tell how quiet the machine was
//
// All values are medians; the ways take turns, so that whatever else the machine does meets all of them.
package main
