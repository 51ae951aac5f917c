// Package pac makes the proxy auto-configuration file that browsers load (layer 1 of the front; pure functions, no goroutines).
//
// It is strict: whatever the address is, the answer names the proxy, and never DIRECT. A file that sends only .i2p to the
// proxy lets every page that loads something from elsewhere learn who its reader is, past the proxy; and a browser whose
// file says DIRECT asks a name server for names in I2P.
//
// What a file cannot do: browsers do not ask it about addresses of their own computer (they connect to those directly), and
// while they cannot load the file they may do without. Both need settings of the browser, which proxies/http describes on its
// start page.
package pac
