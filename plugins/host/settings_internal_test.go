package host

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"clove.i2p/plugins/api/pb"
)

var everything = &pb.TunnelType{Name: "all", Settings: []*pb.Setting{
	{Key: "text", DefaultJson: `"x"`},
	{Key: "number", Type: pb.SettingType_INTEGER, DefaultJson: "3"},
	{Key: "flag", Type: pb.SettingType_BOOLEAN},
	{Key: "time", Type: pb.SettingType_DURATION, DefaultJson: `"10m"`},
	{Key: "size", Type: pb.SettingType_SIZE, DefaultJson: "1024"},
	{Key: "list", Type: pb.SettingType_STRINGS},
	{Key: "table", Type: pb.SettingType_STRING_MAP},
	{Key: "choice", Choices: []string{"red", "green"}},
	{Key: "token", Kind: pb.SettingKind_SECRET},
}}

func TestNormalize(t *testing.T) {
	defaults := map[string]any{"text": "x", "number": int64(3), "time": int64(600e9), "size": int64(1024)}
	for name, c := range map[string]struct {
		in      map[string]any
		want    map[string]any // beside the defaults
		problem string         // in the text, or no problem
	}{
		"defaults":            {nil, nil, ""},
		"TOML":                {map[string]any{"number": int64(7), "list": []any{"a", "b"}, "table": map[string]any{"k": "v"}}, map[string]any{"number": int64(7), "list": []string{"a", "b"}, "table": map[string]string{"k": "v"}}, ""},
		"JSON":                {map[string]any{"number": float64(7), "size": json.Number("5")}, map[string]any{"number": int64(7), "size": int64(5)}, ""},
		"Go":                  {map[string]any{"number": 7, "list": []string{"a"}, "table": map[string]string{"k": "v"}}, map[string]any{"number": int64(7), "list": []string{"a"}, "table": map[string]string{"k": "v"}}, ""},
		"duration":            {map[string]any{"time": "1h30m"}, map[string]any{"time": int64(5400e9)}, ""},
		"no duration":         {map[string]any{"time": "0s"}, map[string]any{"time": int64(0)}, ""},
		"size":                {map[string]any{"size": "1.5 MiB"}, map[string]any{"size": int64(3 << 19)}, ""},
		"size in thousands":   {map[string]any{"size": "64kb"}, map[string]any{"size": int64(64000)}, ""},
		"common keys":         {map[string]any{"type": "all", "enabled": true, "quantity": int64(1)}, nil, ""},
		"number as duration":  {map[string]any{"time": int64(5)}, nil, `time: 5 is not a duration such as "30s"`},
		"negative duration":   {map[string]any{"time": "-5s"}, nil, "time"},
		"half":                {map[string]any{"number": 1.5}, nil, "number: 1.5 is not a whole number; write number = 10"},
		"number in quotes":    {map[string]any{"number": "7"}, nil, `number: "7" is not a whole number`},
		"number for text":     {map[string]any{"text": int64(6667)}, nil, "text: 6667 is not a text"},
		"yes":                 {map[string]any{"flag": "yes"}, nil, "flag"},
		"text for list":       {map[string]any{"list": "a"}, nil, `list: "a" is not a list of texts; write list = ["..."]`},
		"numbers in list":     {map[string]any{"list": []any{int64(1)}}, nil, "list"},
		"numbers in table":    {map[string]any{"table": map[string]any{"a": true}}, nil, "table"},
		"no choice":           {map[string]any{"choice": "gren"}, nil, `choice: "gren" is none of red, green; did you mean "green"?`},
		"size of nothing":     {map[string]any{"size": "MB"}, nil, "size"},
		"negative size":       {map[string]any{"size": int64(-1)}, nil, "size"},
		"too much":            {map[string]any{"size": "99999999999GB"}, nil, "size"},
		"zero byte":           {map[string]any{"text": "a\x00b"}, nil, "zero byte"},
		"destination as key":  {map[string]any{"table": map[string]any{strings.Repeat("a", 524): "x"}}, map[string]any{"table": map[string]string{strings.Repeat("a", 524): "x"}}, ""},
		"long key":            {map[string]any{"table": map[string]any{strings.Repeat("a", maxKey+1): "x"}}, nil, "is longer than 1024 bytes"},
		"long text":           {map[string]any{"text": strings.Repeat("x", maxValue+1)}, nil, "at most"},
		"unknown":             {map[string]any{"lisst": 1}, nil, "lisst: tunnels of type all have no such setting; did you mean list?"},
		"unknown altogether":  {map[string]any{"zzzzzzzz": 1}, nil, "there are: text, number"},
		"common, mistyped":    {map[string]any{"enabeld": 1}, nil, "did you mean enabled?"},
		"nothing":             {map[string]any{"text": nil}, nil, "text"},
		"a secret is not say": {map[string]any{"token": 12345}, nil, "token: the value is not a text"},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := normalize(everything, c.in)
			if c.problem != "" {
				if text := settingsError(problems).Error(); len(problems) != 1 || !strings.Contains(text, c.problem) || strings.Contains(text, "12345") {
					t.Errorf("%v", text)
				}
				return
			}
			want := map[string]any{}
			for k, v := range defaults {
				want[k] = v
			}
			for k, v := range c.want {
				want[k] = v
			}
			if len(problems) > 0 || !reflect.DeepEqual(got, want) {
				t.Errorf("%v, %v; want %v", got, problems, want)
			}
		})
	}
	many := map[string]any{}
	for i := range 1000 {
		many[strings.Repeat("q", i+1)] = 1
	}
	if _, problems := normalize(everything, many); len(problems) != maxProblems {
		t.Errorf("%d problems", len(problems))
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"destintion": "destination", "lsten": "listen", "xyz": "", "": "", strings.Repeat("x", 1000): ""} {
		if got := nearest(word, []string{"destination", "listen", "idle_timeout"}); got != want {
			t.Errorf("%.20q: %q", word, got)
		}
	}
}

// What a plugin says it is, is taken only if everything that is derived from it holds.
func FuzzDescription(f *testing.F) {
	for _, d := range []*pb.Description{
		{Name: "x", Types: []*pb.TunnelType{everything}, Permissions: []pb.Permission{pb.Permission_DIAL_I2P, pb.Permission_DIAL_I2P}},
		{Name: "\x1b[31m", Types: []*pb.TunnelType{{Name: "a"}, {Name: "a"}}},
		{Types: []*pb.TunnelType{{Name: "t", Settings: []*pb.Setting{{Key: "a", Type: 99}, {Key: "enabled"}, {Key: "b", DefaultJson: "{"}}}}},
		{Types: []*pb.TunnelType{{Name: "t", Destination: 7}}, Permissions: []pb.Permission{77}},
	} {
		b, err := proto.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d pb.Description
		if proto.Unmarshal(b, &d) != nil {
			return
		}
		out, err := newDescription("plugin", "", &d)
		if err != nil {
			return
		}
		if len(out.types) == 0 || len(out.types) > maxTypes || len(out.asked) > maxPermissions {
			t.Fatalf("%d types, %d permissions", len(out.types), len(out.asked))
		}
		for _, typ := range out.types {
			settings, problems := normalize(typ, nil)
			for _, p := range problems {
				if !strings.Contains(p.text, "missing") && !strings.Contains(p.text, "empty") {
					t.Errorf("%s: %s: %s", typ.GetName(), p.key, p.text)
				}
			}
			again, _ := normalize(typ, nil)
			if !reflect.DeepEqual(settings, again) {
				t.Error("not the same twice")
			}
			if len(problems) == 0 {
				if _, err := encode(settings); err != nil && !strings.Contains(err.Error(), "at most") {
					t.Error(err)
				}
			}
			shown(typ, settings)
		}
		var s PluginStatus
		s.describe(out)
		if text := s.Summary + s.Version; strings.ContainsAny(text, "\x1b\n\x00") {
			t.Errorf("%q", text)
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"64KB", "1.5 MiB", "4096", "NaN", "Inf", "0x10", "1e9", "-1", "", "KB", "1_000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseSize(s); err == nil && n < 0 {
			t.Errorf("%q is %d", s, n)
		}
	})
}
