//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "benchssu2: it needs network namespaces, which are Linux's")
	os.Exit(1)
}
