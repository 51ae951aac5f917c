// Package proxytest is what the tests of the proxies share: a resolver that must not be asked, dialers, streams in
// memory, and a server that ends with its test.
package proxytest
