// Package upstream opens TCP connections to peers through a SOCKS5 or HTTP CONNECT proxy, for users whose network lets nothing
// else out.
//
// Nothing is resolved: targets are IP addresses, and the proxy is named by one or as "localhost". There is no way around the
// proxy: what it does not carry fails. Answers are read byte by byte up to a bound, so that nothing of what the
// peer sends is lost or misread as the proxy's. Read dialer.go first.
package upstream
