// Package gate is what tunnel plugins may reach (beside plugins/host).
package gate
