package main

import (
	"io"
	"testing"
	"time"

	"clove.i2p/plugins/plugintest"
)

func TestEcho(t *testing.T) {
	h := plugintest.NewHost(t)
	tun := h.Start(plugin, "echo", map[string]any{"port": 7})
	c, err := h.I2P.Dial(t.Context(), "visitor.i2p", tun.Name(), 7)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
		t.Fatalf("got %q, %v", b, err)
	}
	if n := tun.Metrics()["streams"]; n != 1 {
		t.Fatalf("%v streams", n)
	}
}
