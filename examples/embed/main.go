// Command embed serves a web page from inside I2P: a router, a destination and net/http in one program. Its arguments
// are files with the RouterInfos of the first peers.
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
	r, closeRouter, err := router.Start(ctx, router.Config{DataDir: "embed-data", Reseed: os.Args[1:]}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer closeRouter()
	d, err := r.Open(router.DestinationConfig{KeyFile: "embed-data/site.dat"})
	if err != nil {
		log.Fatal(err)
	}
	log.Print(serve(ctx, d))
}

func serve(ctx context.Context, d *router.Destination) error {
	l, err := d.Listen(80)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	log.Printf("http://%s/", d.Base32())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello from inside I2P") }))
}
