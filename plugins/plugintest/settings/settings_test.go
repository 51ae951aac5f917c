package settings_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/plugintest/settings"
	"clove.i2p/plugins/sdk"
)

var schema = &pb.TunnelType{Name: "all", Settings: []*pb.Setting{
	{Key: "text", Choices: []string{"a", "b"}, DefaultJson: `"a"`},
	{Key: "number", Type: pb.SettingType_INTEGER},
	{Key: "on", Type: pb.SettingType_BOOLEAN},
	{Key: "time", Type: pb.SettingType_DURATION, DefaultJson: `"10m"`},
	{Key: "nanoseconds", Type: pb.SettingType_DURATION, DefaultJson: `1000`},
	{Key: "size", Type: pb.SettingType_SIZE, DefaultJson: `"1KiB"`},
	{Key: "list", Type: pb.SettingType_STRINGS},
	{Key: "map", Type: pb.SettingType_STRING_MAP},
	{Key: "needed", Required: true},
}}

func TestNormalize(t *testing.T) {
	for _, c := range []struct {
		values map[string]any
		want   string // JSON, or the error
	}{
		{map[string]any{"needed": "x"}, `{"nanoseconds":1000,"needed":"x","size":1024,"text":"a","time":600000000000}`},
		{
			map[string]any{
				"needed": "x", "text": "b", "number": 7, "on": true, "time": time.Second, "nanoseconds": "1ms", "size": sdk.Size(5), "list": []any{"y"},
				"map": map[string]any{"k": "v"},
			},
			`{"list":["y"],"map":{"k":"v"},"nanoseconds":1000000,"needed":"x","number":7,"on":true,"size":5,"text":"b","time":1000000000}`,
		},
		{map[string]any{}, `needed: it is missing; write needed`},
		{map[string]any{"needed": "x", "zz": 1}, `zz: tunnels of type all have no such setting`},
		{map[string]any{"needed": 1}, `needed: 1 is not a text`},
		{map[string]any{"needed": "x", "text": "c"}, `is none of a, b`},
		{map[string]any{"needed": "x", "number": 1.5}, `is not a whole number`},
		{map[string]any{"needed": "x", "time": "10"}, `is not a duration`},
		{map[string]any{"needed": "x", "size": "big"}, `is not a number of bytes`},
		{map[string]any{"needed": "x", "list": "y"}, `is not a list of texts`},
		{map[string]any{"needed": "x", "map": []string{}}, `is not a table of texts`},
	} {
		got, err := settings.Normalize(schema, c.values)
		text, _ := json.Marshal(got)
		if err != nil {
			text = []byte(err.Error())
		}
		if !strings.Contains(string(text), c.want) || err == nil && string(text) != c.want {
			t.Errorf("%v: got %s, want %s", c.values, text, c.want)
		}
	}
}
