package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/sdk"
)

// script says what a copy of the test binary does when it is started as a plugin.
type script struct {
	Behaviour string
	Version   string   // of the plugin
	Types     []string // the prefix of its tunnel types; none: "test"
	Protocol  uint     // of the handshake; 0: the right one
	Refuse    string   // settings with this greeting are refused by Validate
	FailStart string   // tunnels with this greeting do not start
	Clearnet  bool     // asks for dial-clearnet too
	Outside   string   // a folder with a secret in it
	Address   string   // of a TCP server outside
	Pid       int      // of the tests
}

const scriptMark = "\n--- script of a test plugin ---\n"

// readScript finds the script at the end of this program.
func readScript() (s script, ok bool) {
	path, err := os.Executable()
	if err != nil {
		return s, false
	}
	f, err := os.Open(path)
	if err != nil {
		return s, false
	}
	defer f.Close()
	if _, err := f.Seek(-2048, io.SeekEnd); err != nil {
		return s, false
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return s, false
	}
	i := bytes.LastIndex(b, []byte(scriptMark))
	if i < 0 || json.Unmarshal(b[i+len(scriptMark):], &s) != nil {
		return s, false
	}
	return s, true
}

func (s script) run() {
	switch s.Behaviour {
	case "", "good":
		sdk.Serve(s.plugin())
	case "exit":
		fmt.Fprintln(os.Stderr, "cannot find my hat")
		os.Exit(3)
	case "silent":
		select {}
	case "chatty":
		fmt.Println("hello, I am a plugin\x1b[31m")
		select {}
	case "elsewhere":
		fmt.Printf("1|1|unix|%s/other.sock|grpc\n", s.Outside)
		select {}
	case "tcp":
		fmt.Printf("1|1|tcp|%s|grpc\n", s.Address)
		select {}
	default:
		s.serve(&villain{script: s})
	}
}

// serve is a plugin without the SDK.
func (s script) serve(v *villain) {
	handshake := api.Handshake()
	if s.Protocol != 0 {
		handshake.ProtocolVersion = s.Protocol
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         api.Plugins(v),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxSendMsgSize(2<<30))...)
		},
		Logger: hclog.NewNullLogger(),
	})
}

// echoSettings are those of the good plugin.
type echoSettings struct {
	Listen   string            `setting:"listen" kind:"listen-address" required:"true" help:"where it listens"`
	Greeting string            `setting:"greeting" default:"hello" help:"the first line"`
	Hot      bool              `setting:"hot" help:"greetings change without a restart"`
	Idle     time.Duration     `setting:"idle" default:"10m"`
	Body     sdk.Size          `setting:"body" default:"1MB"`
	Count    int               `setting:"count"`
	Mode     string            `setting:"mode" choices:"slow,fast" default:"slow"`
	Names    []string          `setting:"names"`
	Ports    map[string]string `setting:"ports"`
	Password string            `setting:"password" kind:"secret"`
}

func (s script) plugin() sdk.Plugin {
	prefix := "test"
	if len(s.Types) > 0 {
		prefix = s.Types[0]
	}
	p := sdk.Plugin{
		Name: "tester", Version: s.Version, Summary: "a plugin for tests",
		Permissions: []sdk.Permission{sdk.ListenLocal, sdk.ListenI2P},
		Types: []sdk.TunnelType{
			sdk.Type[echoSettings]{Name: prefix + "-local", Protocol: "raw", Run: s.echoLocal, Validate: func(e echoSettings) []sdk.Problem {
				if s.Refuse != "" && e.Greeting == s.Refuse {
					return []sdk.Problem{{Key: "greeting", Text: "not polite; say hello"}}
				}
				return nil
			}},
			sdk.Type[struct{}]{Name: prefix + "-server", Destination: sdk.Server, Run: s.echoI2P},
		},
	}
	if p.Version == "" {
		p.Version = "1.0.0"
	}
	if s.Clearnet {
		p.Permissions = append(p.Permissions, sdk.DialClearnet)
	}
	return p
}

// echoLocal greets with the plugin's version and the setting, and then sends back what comes.
func (s script) echoLocal(ctx context.Context, t *sdk.Tunnel, e echoSettings) error {
	if s.FailStart != "" && e.Greeting == s.FailStart {
		return errors.New("out of ideas")
	}
	l, err := t.ListenLocal(e.Listen)
	if err != nil {
		return err
	}
	served := t.Counter("served", "connections so far")
	greeting := make(chan string, 1)
	greeting <- e.Greeting
	sdk.OnReload(t, func(next echoSettings) bool {
		if !next.Hot || next.Listen != e.Listen {
			return false
		}
		<-greeting
		greeting <- next.Greeting
		return true
	})
	t.OnHealth(func() (sdk.HealthState, string) {
		if e.Mode == "fast" {
			return sdk.Degraded, "too fast"
		}
		return sdk.Healthy, ""
	})
	return t.Serve(ctx, l, func(_ context.Context, c net.Conn) {
		served.Add(1)
		text := <-greeting
		greeting <- text
		_, _ = fmt.Fprintf(c, "%s %s\n", s.Version, text)
		if strings.HasPrefix(text, "crash") {
			os.Exit(7)
		}
		_, _ = io.Copy(c, c)
	})
}

func (s script) echoI2P(ctx context.Context, t *sdk.Tunnel, _ struct{}) error {
	l, err := t.Listen(0)
	if err != nil {
		return err
	}
	return t.Serve(ctx, l, func(_ context.Context, c net.Conn) { _, _ = io.Copy(c, c) })
}
