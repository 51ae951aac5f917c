package sdk

import (
	"context"
	"testing"
)

type sharedSettings struct {
	Limit int `setting:"limit" default:"7" help:"of both"`
}

// Settings that several types have can be in a struct of their own, which is embedded.
func TestEmbeddedSettings(t *testing.T) {
	type settings struct {
		Name string `setting:"name"`
		sharedSettings
	}
	typ := Type[settings]{Name: "x", Run: func(context.Context, *Tunnel, settings) error { return nil }}
	d, err := typ.describe()
	if err != nil || len(d.Settings) != 2 || d.Settings[1].Key != "limit" {
		t.Fatalf("%v, %v", d, err)
	}
	for raw, want := range map[string]int{`{"name": "a"}`: 7, `{"limit": 9}`: 9} {
		got, problems := typ.decode([]byte(raw))
		if s, ok := got.(settings); len(problems) > 0 || !ok || s.Limit != want {
			t.Errorf("%s: %+v, %v", raw, got, problems)
		}
	}
}
