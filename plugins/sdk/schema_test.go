package sdk_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/sdk"
)

type everything struct {
	Listen  string            `setting:"listen" kind:"listen-address" default:"127.0.0.1:6668" help:"where clients connect"`
	Targets []string          `setting:"destination" kind:"i2p-address" required:"true" help:"who to talk to"`
	Idle    time.Duration     `setting:"idle_timeout" default:"10m"`
	MaxBody sdk.Size          `setting:"max_body" default:"1.5KiB"`
	Ports   map[string]string `setting:"ports" kind:"dial-address" default:"80=127.0.0.1:80, 81=127.0.0.1:81"`
	Mode    string            `setting:"mode" choices:"a,b" default:"a"`
	DCC     bool              `setting:"dcc" publish:"true"`
	Limit   uint8             `setting:"limit" default:"7"`
	Depth   int               `setting:"depth"`
	Names   []string          `setting:"names" default:"x, y"`
	Key     string            `setting:"key" kind:"secret"`
	Exit    []string          `setting:"exit_ports" kind:"clearnet-ports"`

	Untagged chan int
	private  int
}

func run[S any](context.Context, *sdk.Tunnel, S) error { return nil }

func pluginOf[S any]() sdk.Plugin {
	return sdk.Plugin{Name: "test", Version: "1.0.0", Types: []sdk.TunnelType{sdk.Type[S]{Name: "test", Run: run[S]}}}
}

func TestSchemaComesFromTags(t *testing.T) {
	_ = everything{}.private
	d, err := sdk.Describe(pluginOf[everything]())
	if err != nil {
		t.Fatal(err)
	}
	want := []*pb.Setting{
		{Key: "listen", Kind: pb.SettingKind_LISTEN_ADDRESS, DefaultJson: `"127.0.0.1:6668"`, Help: "where clients connect"},
		{Key: "destination", Type: pb.SettingType_STRINGS, Kind: pb.SettingKind_I2P_ADDRESS, Required: true, Help: "who to talk to"},
		{Key: "idle_timeout", Type: pb.SettingType_DURATION, DefaultJson: `"10m"`},
		{Key: "max_body", Type: pb.SettingType_SIZE, DefaultJson: `"1.5KiB"`},
		{Key: "ports", Type: pb.SettingType_STRING_MAP, Kind: pb.SettingKind_DIAL_ADDRESS, DefaultJson: `{"80":"127.0.0.1:80","81":"127.0.0.1:81"}`},
		{Key: "mode", Choices: []string{"a", "b"}, DefaultJson: `"a"`},
		{Key: "dcc", Type: pb.SettingType_BOOLEAN, Publish: true},
		{Key: "limit", Type: pb.SettingType_INTEGER, DefaultJson: `7`},
		{Key: "depth", Type: pb.SettingType_INTEGER},
		{Key: "names", Type: pb.SettingType_STRINGS, DefaultJson: `["x","y"]`},
		{Key: "key", Kind: pb.SettingKind_SECRET},
		{Key: "exit_ports", Type: pb.SettingType_STRINGS, Kind: pb.SettingKind_CLEARNET_PORTS},
	}
	if diff := cmp.Diff(want, d.Types[0].Settings, protocmp.Transform()); diff != "" {
		t.Fatal(diff)
	}
}

func refused[S any](t *testing.T, want string) {
	t.Helper()
	_, err := sdk.Describe(pluginOf[S]())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%T: got %v, want %q", *new(S), err, want)
	}
}

func TestWrongTagsAreNamed(t *testing.T) {
	refused[int](t, "settings are a struct")
	refused[struct {
		A string `kind:"file"`
	}](t, `field A has a tag "kind" but no tag "setting"`)
	refused[struct {
		a string `setting:"a"`
	}](t, "field a: must be exported")
	refused[struct {
		A string `setting:"Big"`
	}](t, `setting "Big": keys are lower-case`)
	refused[struct {
		A bool `setting:"enabled"`
	}](t, "the host's own")
	refused[struct {
		A string `setting:"a"`
		B string `setting:"a"`
	}](t, `fields A and B are both setting "a"`)
	refused[struct {
		A string `setting:"a" kind:"listen"`
	}](t, `kind "listen": want one of clearnet-ports, dial-address, file, folder, i2p-address, listen-address, secret`)
	refused[struct {
		A bool `setting:"a" kind:"file"`
	}](t, `kind "file" is for strings`)
	refused[struct {
		A float64 `setting:"a"`
	}](t, "float64 cannot be a setting")
	refused[struct {
		A struct{ B string } `setting:"a"`
	}](t, "cannot be a setting")
	refused[struct {
		A string `setting:"a" required:"yes"`
	}](t, `required:"yes": write "true"`)
	refused[struct {
		A string `setting:"a" required:"true" default:"x"`
	}](t, "a required setting has no default")
	refused[struct {
		A int `setting:"a" choices:"1,2"`
	}](t, "choices are for strings")
	refused[struct {
		A string `setting:"a" publish:"true"`
	}](t, "publish is for a bool")
	refused[struct {
		A string `setting:"a" choices:"x,y" default:"z"`
	}](t, `default "z": "z": want one of x, y`)
	refused[struct {
		A time.Duration `setting:"a" default:"10"`
	}](t, `is not a time like "30s"`)
	refused[struct {
		A int8 `setting:"a" default:"128"`
	}](t, "128 is not a whole number")
	refused[struct {
		A bool `setting:"a" default:"yes"`
	}](t, `default "yes" is no bool`)
	refused[struct {
		A map[string]string `setting:"a" default:"x"`
	}](t, "a map is written k=v")
}

func TestWrongPluginsAreNamed(t *testing.T) {
	typ := sdk.Type[struct{}]{Name: "a", Run: run[struct{}]}
	for want, p := range map[string]sdk.Plugin{
		`plugin "": names`:         {Version: "1", Types: []sdk.TunnelType{typ}},
		"has no version":           {Name: "x", Types: []sdk.TunnelType{typ}},
		"has no tunnel types":      {Name: "x", Version: "1"},
		`two tunnel types "a"`:     {Name: "x", Version: "1", Types: []sdk.TunnelType{typ, typ}},
		`tunnel type "a" has no R`: {Name: "x", Version: "1", Types: []sdk.TunnelType{sdk.Type[struct{}]{Name: "a"}}},
		`tunnel type "A": names`:   {Name: "x", Version: "1", Types: []sdk.TunnelType{sdk.Type[struct{}]{Name: "A", Run: run[struct{}]}}},
	} {
		if _, err := sdk.Describe(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestServePanicsWithTheMistake(t *testing.T) {
	defer func() {
		if v := recover(); v == nil || !strings.Contains(v.(string), "has no version") {
			t.Fatalf("panic %v", v)
		}
	}()
	sdk.Serve(sdk.Plugin{Name: "x"})
}

func TestSizesAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]sdk.Size{
		"0": 0, "4096": 4096, "64KB": 64000, "1kib": 1024, " 1.5 MiB ": 3 << 19, "2GB": 2e9, "7B": 7,
	} {
		if got, err := sdk.ParseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "KB", "-1", "1.5", "1TB", "NaN", "Inf", "9e18KB", "0x10", "1 K B"} {
		if got, err := sdk.ParseSize(text); err == nil {
			t.Errorf("%q: got %d", text, got)
		}
	}
	for _, size := range []sdk.Size{0, 1, 1000, 1024, 1 << 20, 1500, 3e9} {
		if got, err := sdk.ParseSize(size.String()); err != nil || got != size {
			t.Errorf("%d -> %q -> %d, %v", size, size, got, err)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"64KB", "1.5 MiB", "9e18", "0x1p4", "1_0", "infgb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		size, err := sdk.ParseSize(s)
		if err != nil {
			return
		}
		if size < 0 {
			t.Fatalf("%q is %d", s, size)
		}
		if again, err := sdk.ParseSize(size.String()); err != nil || again != size {
			t.Fatalf("%q -> %d -> %v -> %d, %v", s, size, size, again, err)
		}
	})
}

func TestDescriptionIsJSON(t *testing.T) {
	d, err := sdk.Describe(pluginOf[everything]())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Types[0].Settings {
		if s.DefaultJson != "" && !json.Valid([]byte(s.DefaultJson)) {
			t.Errorf("%s: default %s", s.Key, s.DefaultJson)
		}
	}
}
