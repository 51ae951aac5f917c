//go:build !unix

package router

import "os"

// tryLock: netdb.db has a lock of its own.
func tryLock(*os.File) error { return nil }
