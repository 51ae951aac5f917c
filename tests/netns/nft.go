//go:build linux

package netns

import "os/exec"

// Nft is the program that sets packet filters. It is often not in the PATH of those who are not root.
func Nft() string {
	if path, err := exec.LookPath("nft"); err == nil {
		return path
	}
	return "/usr/sbin/nft"
}
