package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router"
	"clove.i2p/tests/testnet"
)

func TestExampleIsShort(t *testing.T) {
	b, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte("\n")); n >= 40 {
		t.Errorf("%d lines, want less than 40", n)
	}
}

// TestExampleServes does what main does, in a network of 6 routers.
func TestExampleServes(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := testnet.New(t, testnet.Config{Routers: 6, Floodfills: 2, Delay: 20 * time.Millisecond, Seed: 1})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, closeRouter, err := router.Start(ctx, n.Outsider(dir), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer closeRouter()
		d, err := r.Open(router.DestinationConfig{KeyFile: filepath.Join(dir, "site.dat")})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- serve(ctx, d) }()
		ready, stop := context.WithTimeout(ctx, 30*time.Second)
		defer stop()
		if err := d.Reachable(ready); err != nil {
			t.Fatal(err)
		}
		reader := n.Nodes[5].Open(router.DestinationConfig{Unpublished: true})
		tr := &http.Transport{DialContext: reader.Dial}
		defer tr.CloseIdleConnections()
		c := http.Client{Transport: tr, Timeout: time.Minute}
		res, err := c.Get("http://" + d.Base32() + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != "hello from inside I2P\n" {
			t.Errorf("page %q", got)
		}
		cancel()
		if err := <-ended; err == nil {
			t.Error("serve ended without a reason")
		}
	})
}
