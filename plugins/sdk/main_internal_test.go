package sdk

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

var handPlugin = Plugin{Name: "irc", Version: "1.2.3", Summary: "IRC.", Permissions: []Permission{DialI2P, ListenLocal}, Types: []TunnelType{testType}}

func byHandWith(t *testing.T, env map[string]string, args ...string) (code int, done bool, stdout, stderr string) {
	t.Helper()
	d, err := Describe(handPlugin)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code, done = byHand(d, append([]string{"/opt/clove-plugin-irc"}, args...), func(k string) string { return env[k] }, &out, &errs)
	return code, done, out.String(), errs.String()
}

func TestStartedByHandItSaysWhatItIs(t *testing.T) {
	code, done, stdout, stderr := byHandWith(t, nil)
	if code != 1 || !done || stdout != "" {
		t.Fatalf("%d, %v, %q", code, done, stdout)
	}
	for _, want := range []string{"irc 1.2.3", "IRC.", "\n  t ", "clove plugin add /opt/clove-plugin-irc --grant dial-i2p,listen-local\n", "--describe"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
}

func TestDescribeIsJSONOfTheDescription(t *testing.T) {
	code, done, stdout, stderr := byHandWith(t, map[string]string{api.CookieEnv: api.Cookie}, "--describe")
	var d pb.Description
	if err := protojson.Unmarshal([]byte(stdout), &d); err != nil || code != 0 || !done || stderr != "" {
		t.Fatalf("%d, %v, %v: %s%s", code, done, err, stdout, stderr)
	}
	if d.Name != "irc" || d.Types[0].Settings[0].Key != "listen" {
		t.Fatalf("got %v", &d)
	}
}

func TestAHostWithoutSocketsIsNamed(t *testing.T) {
	env := map[string]string{api.CookieEnv: api.Cookie, api.HostEnv: "/x"}
	if code, done, _, stderr := byHandWith(t, env); code != 1 || !done || !strings.Contains(stderr, api.DataEnv+" is not set") {
		t.Fatalf("%d, %v, %s", code, done, stderr)
	}
	env[api.DataEnv] = "/y"
	if _, done, _, _ := byHandWith(t, env); done {
		t.Fatal("it does not go on with both sockets")
	}
}
