package sdk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"clove.i2p/plugins/api"
)

type testSettings struct {
	Listen  string            `setting:"listen" kind:"listen-address" default:"127.0.0.1:6668" help:"where"`
	Targets []string          `setting:"destination" kind:"i2p-address" required:"true" help:"who to talk to"`
	Idle    time.Duration     `setting:"idle_timeout" default:"10m"`
	MaxBody Size              `setting:"max_body" default:"1MB"`
	Ports   map[string]string `setting:"ports"`
	Mode    string            `setting:"mode" choices:"a,b" default:"a"`
	On      bool              `setting:"on" default:"true"`
	Port    uint16            `setting:"port"`
	Delta   int8              `setting:"delta"`
}

var testType = Type[testSettings]{Name: "t", Run: func(context.Context, *Tunnel, testSettings) error { return nil }}

func TestSettingsAreDecoded(t *testing.T) {
	got, problems := testType.decode([]byte(`{"destination": ["a.i2p"], "idle_timeout": 1500000000, "max_body": 64000, "on": false,
		"ports": {"1": "x"}, "mode": "b", "port": 65535, "delta": -128, "listen": "[::1]:1"}`))
	want := testSettings{
		Listen: "[::1]:1", Targets: []string{"a.i2p"}, Idle: 1500 * time.Millisecond, MaxBody: 64000, Ports: map[string]string{"1": "x"},
		Mode: "b", Port: 65535, Delta: -128,
	}
	if diff := cmp.Diff(any(want), got); diff != "" || problems != nil {
		t.Fatal(diff, problems)
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	got, problems := testType.decode([]byte(`{"destination": ["a.i2p"], "mode": null}`))
	want := testSettings{Listen: "127.0.0.1:6668", Targets: []string{"a.i2p"}, Idle: 10 * time.Minute, MaxBody: 1e6, Mode: "a", On: true}
	if diff := cmp.Diff(any(want), got); diff != "" || problems != nil {
		t.Fatal(diff, problems)
	}
}

func TestWrongSettingsAreProblemsWithKeys(t *testing.T) {
	for raw, want := range map[string]Problem{
		`[]`:                               {"", "not a JSON object"},
		`null`:                             {"", "not a JSON object"},
		`{"destination": ["x"]} {}`:        {"", "not a JSON object"},
		``:                                 {"destination", "is required: who to talk to"},
		`{"destination": []}`:              {"destination", "is required"},
		`{"destination": "x"}`:             {"destination", `"x" is not a list of strings`},
		`{"destination": [null]}`:          {"destination", "is not a list"},
		`{"destination": [1]}`:             {"destination", "is not a list"},
		`{"idle_timeout": "10"}`:           {"idle_timeout", `is not a time like "30s"`},
		`{"idle_timeout": 1.5}`:            {"idle_timeout", "is not a time"},
		`{"max_body": "1 elephant"}`:       {"max_body", "is not a size"},
		`{"max_body": true}`:               {"max_body", "is not a size"},
		`{"ports": {"a": 1}}`:              {"ports", "is not a table"},
		`{"ports": {"a": null}}`:           {"ports", "is not a table"},
		`{"mode": "c"}`:                    {"mode", `"c": want one of a, b`},
		`{"mode": 1}`:                      {"mode", "is not a string"},
		`{"on": "true"}`:                   {"on", "is not true or false"},
		`{"port": 65536}`:                  {"port", "from 0 to 65535"},
		`{"port": -1}`:                     {"port", "from 0 to 65535"},
		`{"port": "80"}`:                   {"port", "is not a whole number"},
		`{"delta": 128}`:                   {"delta", "is not a whole number"},
		`{"destnation": ["a.i2p"]}`:        {"destnation", `is no setting of this tunnel type; did you mean "destination"?`},
		`{"zzz": 1}`:                       {"zzz", "is no setting of this tunnel type"},
		`{"nested": {"destination": "a"}}`: {"nested", "is no setting"},
	} {
		_, problems := testType.decode([]byte(raw))
		found := false
		for _, p := range problems {
			found = found || p.Key == want.Key && strings.Contains(p.Text, want.Text)
		}
		if !found {
			t.Errorf("%s: got %v, want %v", raw, problems, want)
		}
	}
}

func TestValidateSeesGoodSettingsOnly(t *testing.T) {
	calls := 0
	typ := testType
	typ.Validate = func(s testSettings) []Problem {
		calls++
		return []Problem{{"listen", "not " + s.Listen}}
	}
	if _, problems := typ.decode([]byte(`{}`)); calls != 0 || len(problems) != 1 || problems[0].Key != "destination" {
		t.Fatalf("%d calls, %v", calls, problems)
	}
	if _, problems := typ.decode([]byte(`{"destination": ["x"]}`)); calls != 1 || problems[0].Text != "not 127.0.0.1:6668" {
		t.Fatalf("%d calls, %v", calls, problems)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"destination": ["a.i2p"], "idle_timeout": 1500000000, "ports": {"1": "x"}, "port": 65535}`))
	f.Add([]byte(`{"destination": [null], "ports": {"a": null}}`))
	f.Add([]byte(`{"idle_timeout": "1h", "max_body": "1KiB"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, problems := testType.decode(raw)
		if len(problems) > 0 {
			return
		}
		got := s.(testSettings)
		if len(got.Targets) == 0 || (got.Mode != "a" && got.Mode != "b") {
			t.Fatalf("%s became %+v", raw, got)
		}
	})
}

func TestFramesSurviveDeadlines(t *testing.T) {
	var wire []byte
	large := bytes.Repeat([]byte("x"), 60000)
	for _, payload := range [][]byte{[]byte("one"), large, {}} {
		wire, _ = api.AppendFrame(wire, "a.i2p:1", payload)
	}
	// Every read gives one byte, and every other read is a time-out.
	r := frameReader{r: &stutter{r: iotest.OneByteReader(bytes.NewReader(wire))}}
	for _, want := range [][]byte{[]byte("one"), large, {}} {
		var address, payload []byte
		err := os.ErrDeadlineExceeded
		for errors.Is(err, os.ErrDeadlineExceeded) {
			address, payload, err = r.next()
		}
		if err != nil || string(address) != "a.i2p:1" || !bytes.Equal(payload, want) {
			t.Fatalf("%s, %d bytes, %v", address, len(payload), err)
		}
	}
	err := os.ErrDeadlineExceeded
	for errors.Is(err, os.ErrDeadlineExceeded) {
		_, _, err = r.next()
	}
	if err != io.EOF {
		t.Fatalf("end: %v", err)
	}
}

type stutter struct {
	r   io.Reader
	now bool
}

func (s *stutter) Read(b []byte) (int, error) {
	if s.now = !s.now; s.now {
		return 0, os.ErrDeadlineExceeded
	}
	return s.r.Read(b)
}

func FuzzFrameReader(f *testing.F) {
	f.Add([]byte("\x00\x0d\x07a.i2p:7hello\x00\x01\x00"))
	f.Add([]byte("\x00\x00"))
	f.Add([]byte("\x00\x03\x03ab"))
	buf := make([]byte, api.MaxFrame)
	f.Fuzz(func(t *testing.T, b []byte) {
		mine := frameReader{r: bytes.NewReader(b)}
		theirs := bytes.NewReader(b)
		for {
			a1, p1, err1 := mine.next()
			a2, p2, err2 := api.ReadFrame(theirs, buf)
			if !errors.Is(err1, err2) || !bytes.Equal(a1, a2) || !bytes.Equal(p1, p2) {
				t.Fatalf("%x: %q %q %v, want %q %q %v", b, a1, p1, err1, a2, p2, err2)
			}
			if err1 != nil {
				return
			}
		}
	})
}
