package main

import (
	"testing"

	"clove.i2p/plugins/plugintest"
)

func TestReadme(t *testing.T) { plugintest.NewHost(t).Readme(plugin()) }
