// Package bench is what the programs that measure share: benchnetwork, benchplugin and benchssu2.
package bench
