package sdk

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// Serve is the whole main function of a plugin. It does not return: the process ends with its host. Started by hand, the
// program says what it is; with --describe it prints its description as JSON. A mistake in p panics.
func Serve(p Plugin) {
	parent := os.Getppid() // before the handshake: after it the parent may be gone at any time
	d, err := Describe(p)
	if err != nil {
		panic(err.Error())
	}
	if code, done := byHand(d, os.Args, os.Getenv, os.Stdout, os.Stderr); done {
		os.Exit(code)
	}
	program, err := Connect(p, os.Getenv(api.HostEnv), os.Getenv(api.DataEnv))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go endWithHost(program, parent)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: api.Handshake(),
		Plugins:         api.Plugins(program.Server()),
		GRPCServer:      func(opts []grpc.ServerOption) *grpc.Server { return grpc.NewServer(opts...) },
		Logger:          hclog.NewNullLogger(),
	})
	_ = program.Close(farewell)
	os.Exit(0)
}

// byHand is for people who start the program themselves.
func byHand(d *pb.Description, args []string, getenv func(string) string, stdout, stderr io.Writer) (code int, done bool) {
	if len(args) == 2 && args[1] == "--describe" {
		b, err := protojson.MarshalOptions{Multiline: true, UseProtoNames: true}.Marshal(d)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 1, true
		}
		fmt.Fprintf(stdout, "%s\n", b)
		return 0, true
	}
	if getenv(api.CookieEnv) != api.Cookie {
		fmt.Fprint(stderr, introduction(d, args[0]))
		return 1, true
	}
	for _, name := range []string{api.HostEnv, api.DataEnv} {
		if getenv(name) == "" {
			fmt.Fprintf(stderr, "%s is not set: this plugin needs a host that speaks version %d of clove's contract\n", name, api.ProtocolVersion)
			return 1, true
		}
	}
	return 0, false
}

func introduction(d *pb.Description, path string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "This is %s %s, a plugin for clove: %s\n\nIt is not started by hand. Its tunnel types:\n\n", d.Name, d.Version, d.Summary)
	for _, t := range d.Types {
		fmt.Fprintf(&b, "  %-16s %s\n", t.Name, t.Summary)
	}
	var grant string
	if len(d.Permissions) > 0 {
		var names []string
		for _, p := range d.Permissions {
			names = append(names, strings.ReplaceAll(strings.ToLower(p.String()), "_", "-"))
		}
		grant = " --grant " + strings.Join(names, ",")
	}
	fmt.Fprintf(&b, "\nTo register it:  clove plugin add %s%s\n", path, grant)
	fmt.Fprintf(&b, "To describe it:  %s --describe\n", path)
	return b.String()
}

// endWithHost ends the process when the host's socket or the parent process is gone.
func endWithHost(p *Program, parent int) {
	poll := time.NewTicker(parentPoll)
	defer poll.Stop()
	for {
		select {
		case <-p.Gone():
		case <-poll.C:
			if os.Getppid() == parent {
				continue
			}
		}
		_ = p.Close(farewell)
		os.Exit(0)
	}
}
