// Package host runs tunnel plugins: which programs may be started, one process each, what each tunnel is given, and how they are
// replaced while everything else goes on.
package host
