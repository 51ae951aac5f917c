// Command embed serves a web page from inside I2P: a router, a destination and net/http in one program.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"

	"clove.i2p/router"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	// A zip of RouterInfos tells the router its first peers.
	r, closeRouter, err := router.Start(ctx, router.Config{DataDir: "embed-data", Reseed: os.Args[1:]}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer closeRouter()
	d, err := r.Open(router.DestinationConfig{KeyFile: "embed-data/site.dat"})
	if err != nil {
		log.Fatal(err)
	}
	l, err := d.Listen(80)
	if err != nil {
		log.Fatal(err)
	}
	context.AfterFunc(ctx, func() { l.Close() })
	fmt.Printf("http://%s/\n", d.Base32())
	http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello from inside I2P") }))
}
