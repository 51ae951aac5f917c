//go:build !unix

package netdb

import "os"

func unlock(*os.File) {}
