package gate_test

import (
	"slices"
	"strings"
	"testing"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

func TestStoreOfATunnelOutlivesProcessAndTunnel(t *testing.T) {
	b := newBed(t)
	b.tunnel("a")
	b.tunnel("b")
	p := b.start("a", "b")
	if _, err := p.Put(b.ctx, &pb.PutRequest{Tunnel: "a", Key: "k", Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	_, err := p.Put(b.ctx, &pb.PutRequest{Tunnel: "a", Key: "", Value: []byte("v")})
	wantErr(t, err, api.ErrInvalid)
	_, err = p.Put(b.ctx, &pb.PutRequest{Tunnel: "a", Key: "k", Value: make([]byte, 65<<10)})
	wantErr(t, err, api.ErrLimit)
	p.end()
	b.gate.RemoveTunnel("a")
	b.tunnel("a")
	p = b.start("a", "b")
	if got, err := p.Get(b.ctx, &pb.GetRequest{Tunnel: "a", Key: "k"}); err != nil || !got.Found || string(got.Value) != "v" {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := p.Keys(b.ctx, &pb.KeysRequest{Tunnel: "a", Prefix: "k"}); err != nil || !slices.Equal(got.Keys, []string{"k"}) {
		t.Errorf("keys %v, %v", got, err)
	}
	if got, _ := p.Get(b.ctx, &pb.GetRequest{Tunnel: "b", Key: "k"}); got.GetFound() {
		t.Error("the other tunnel sees it")
	}
	if _, err := p.Delete(b.ctx, &pb.DeleteRequest{Tunnel: "a", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if got, _ := p.Get(b.ctx, &pb.GetRequest{Tunnel: "a", Key: "k"}); got.GetFound() {
		t.Error("still there after Delete")
	}
	wantErr(t, b.gate.Forget("a"), api.ErrInUse)
	if _, err := p.Put(b.ctx, &pb.PutRequest{Tunnel: "a", Key: "k", Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	b.gate.RemoveTunnel("a")
	if err := b.gate.Forget("a"); err != nil {
		t.Fatal(err)
	}
	b.tunnel("a")
	p = b.start("a")
	if got, _ := p.Get(b.ctx, &pb.GetRequest{Tunnel: "a", Key: "k"}); got.GetFound() {
		t.Error("still there after Forget")
	}
}

func TestLogNamesPluginAndTunnelAndIsBounded(t *testing.T) {
	b := newBed(t)
	b.tunnel("a")
	b.tunnel("quiet")
	p := b.start("a", "quiet")
	if _, err := p.Log(b.ctx, &pb.LogRequest{Tunnel: "a", Level: pb.LogLevel_WARN, Text: "line\x1b[31m\nfeed\x00 \xe2\x80\xa8"}); err != nil {
		t.Fatal(err)
	}
	if got := b.log.String(); !strings.Contains(got, `level=WARN msg="plugin log" plugin=tester tunnel=a text="line?[31m feed? ?"`) {
		t.Errorf("log: %s", got)
	}
	for range 1000 {
		if _, err := p.Log(b.ctx, &pb.LogRequest{Tunnel: "a", Level: pb.LogLevel_INFO, Text: strings.Repeat("x", 60<<10)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.log.String()); n > 800*4200 {
		t.Errorf("%d bytes of log", n)
	}
	s, _ := b.gate.Tunnel("a")
	if s.LogLost < 200 {
		t.Errorf("%d lines dropped of 1000", s.LogLost)
	}
	before := len(b.log.String())
	if _, err := p.Log(b.ctx, &pb.LogRequest{Tunnel: "quiet", Level: pb.LogLevel_INFO, Text: "heard"}); err != nil || !strings.Contains(b.log.String()[before:], "heard") {
		t.Errorf("another tunnel's line: %v", err)
	}
	if _, err := p.Log(b.ctx, &pb.LogRequest{Level: pb.LogLevel_INFO, Text: "of no tunnel"}); err != nil || !strings.Contains(b.log.String(), "of no tunnel") {
		t.Errorf("a line of no tunnel: %v", err)
	}
}

func TestGrantsOf(t *testing.T) {
	schema := []*pb.Setting{
		{Key: "listen", Kind: pb.SettingKind_LISTEN_ADDRESS, DefaultJson: `"127.0.0.1:6668"`},
		{Key: "backends", Kind: pb.SettingKind_DIAL_ADDRESS},
		{Key: "ports", Kind: pb.SettingKind_DIAL_ADDRESS},
		{Key: "folder", Kind: pb.SettingKind_FOLDER},
		{Key: "file", Kind: pb.SettingKind_FILE, DefaultJson: `""`},
		{Key: "clearnet", Kind: pb.SettingKind_CLEARNET_PORTS, DefaultJson: `[80, "8000-9000"]`},
		{Key: "name", Kind: pb.SettingKind_PLAIN},
	}
	g, err := gate.GrantsOf(schema, map[string]any{"backends": []any{"http://127.0.0.1:80", "[::1]:81"}, "ports": map[string]any{"b": "127.0.0.1:2", "a": "127.0.0.1:1"},
		"folder": "/srv", "name": "10.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2][]string{
		"listen":  {g.Listen, {"127.0.0.1:6668"}},
		"dial":    {g.Dial, {"http://127.0.0.1:80", "[::1]:81", "127.0.0.1:1", "127.0.0.1:2"}},
		"folders": {g.Folders, {"/srv"}},
		"files":   {g.Files, nil},
		"ports":   {g.ClearnetPorts, {"80", "8000-9000"}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s: %v, want %v", what, pair[0], pair[1])
		}
	}
	for key, bad := range map[string]any{"listen": "nonsense", "backends": []string{"127.0.0.1:70000"}, "clearnet": "9-8", "folder": true} {
		_, err := gate.GrantsOf(schema, map[string]any{key: bad})
		wantErr(t, err, api.ErrInvalid, "setting "+key)
	}
}
