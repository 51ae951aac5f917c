package main

import (
	"testing"

	"clove.i2p/plugins/plugintest"
)

func TestReadme(t *testing.T) {
	h := plugintest.NewHost(t)
	h.Readme(plugin(), h.Start(plugin(), "http-folder", map[string]any{"folder": t.TempDir()}))
}
