// Package natlab is a laboratory of network namespaces: an internet, hosts on it and hosts behind NAT boxes and firewalls
// of every kind (nftables), with uplinks that lose, delay, reorder, repeat and change packets, and with i2pd and clove
// on the hosts. Nothing in it can reach the public network.
package natlab
