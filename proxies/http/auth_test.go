package http_test

import (
	"bufio"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"clove.i2p/proxies"
	httpproxy "clove.i2p/proxies/http"
)

func withDigest(c *httpproxy.Config) {
	c.Users = proxies.Users{"alice": "pw", "bob": "pw"}
	c.Auth = httpproxy.AuthDigest
}

var challengePattern = regexp.MustCompile(`^Digest realm="([^"]*)", qop="auth", algorithm=([A-Z0-9-]+), nonce="([^"]+)"(, stale=true)?$`)

// ask makes a request without credentials and returns the nonces of the challenges by algorithm.
func ask(t *testing.T, f *fixture) map[string]string {
	t.Helper()
	resp, _ := f.exchange(t, "GET http://"+siteName+"/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	return challenges(t, resp, false)
}

func challenges(t *testing.T, resp *nethttp.Response, stale bool) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, c := range resp.Header.Values("Proxy-Authenticate") {
		m := challengePattern.FindStringSubmatch(c)
		if m == nil || m[1] != "clove" || (m[4] != "") != stale {
			t.Fatalf("challenge %q", c)
		}
		got[m[2]] = m[3]
	}
	if resp.StatusCode != 407 || len(got) != 2 {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	return got
}

// answer is RFC 7616 once more, written without a look at the proxy's.
func answer(algorithm, user, password, method, uri, nonce string, nc int) string {
	h := func(s string) string {
		if algorithm == "MD5" {
			sum := md5.Sum([]byte(s))
			return hex.EncodeToString(sum[:])
		}
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	count := fmt.Sprintf("%08x", nc)
	response := h(h(user+":clove:"+password) + ":" + nonce + ":" + count + ":c0ffee:auth:" + h(method+":"+uri))
	return fmt.Sprintf("Proxy-Authorization: Digest username=%q, realm=\"clove\", nonce=%q, uri=%q, algorithm=%s, response=%q, qop=auth, nc=%s, cnonce=\"c0ffee\"\r\n",
		user, nonce, uri, algorithm, response, count)
}

func TestDigest(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("the site sees the credentials")
		}
		fmt.Fprint(w, "page")
	}), withDigest)
	request := func(line, header string) *nethttp.Response {
		t.Helper()
		resp, _ := f.exchange(t, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+header+"\r\n")
		return resp
	}
	get := "GET http://" + siteName + "/a?b"
	for _, a := range []string{"MD5", "SHA-256"} {
		nonce := ask(t, f)[a]
		if resp := request(get, answer(a, "alice", "pw", "GET", "/a?b", nonce, 1)); resp.StatusCode != 200 {
			t.Errorf("%s: %d", a, resp.StatusCode)
		}
		// Seen before: a new nonce, without asking the user.
		challenges(t, request(get, answer(a, "alice", "pw", "GET", "/a?b", nonce, 1)), true)
		if resp := request(get, answer(a, "alice", "pw", "GET", "http://"+siteName+"/a?b", nonce, 2)); resp.StatusCode != 200 {
			t.Errorf("%s: absolute form: %d", a, resp.StatusCode)
		}
		challenges(t, request(get, answer(a, "alice", "no", "GET", "/a?b", nonce, 3)), false)
		challenges(t, request(get, answer(a, "carol", "pw", "GET", "/a?b", nonce, 3)), false)
		challenges(t, request(get, answer(a, "alice", "pw", "GET", "/other", nonce, 3)), false)
		challenges(t, request(get, answer(a, "alice", "pw", "POST", "/a?b", nonce, 3)), false)
		challenges(t, request(get, answer(a, "alice", "pw", "GET", "/a?b", "forged", 3)), true)
		challenges(t, request(get, strings.Replace(answer(a, "alice", "pw", "GET", "/a?b", nonce, 3), `realm="clove"`, `realm="x"`, 1)), false)
		// What was refused has used nothing up.
		if resp := request(get, answer(a, "alice", "pw", "GET", "/a?b", nonce, 3)); resp.StatusCode != 200 {
			t.Errorf("%s: %d", a, resp.StatusCode)
		}
		challenges(t, request("CONNECT x.i2p:443", answer(a, "alice", "pw", "CONNECT", "y.i2p:443", nonce, 4)), false)
		if resp := request("CONNECT x.i2p:443", answer(a, "alice", "pw", "CONNECT", "x.i2p:443", nonce, 4)); resp.StatusCode != 502 {
			t.Errorf("%s: CONNECT: %d", a, resp.StatusCode)
		}
	}
	challenges(t, request(get, "Proxy-Authorization: Basic YWxpY2U6cHc=\r\n"), false) // right, but not Digest
	challenges(t, request("GET http://proxy.i2p/", ""), false)
}

func TestUsersAreIsolatedWhateverTheySayItWith(t *testing.T) {
	f := start(t, nil, withDigest)
	for i, user := range []string{"alice", "bob", "alice"} {
		nonce := ask(t, f)["SHA-256"]
		f.exchange(t, "GET http://x.i2p/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+answer("SHA-256", user, "pw", "GET", "/", nonce, i+1)+"\r\n")
	}
	targets := f.targets()
	if len(targets) != 3 || targets[0].Isolation == targets[1].Isolation || targets[0].Isolation != targets[2].Isolation {
		t.Errorf("%+v", targets)
	}
}

// A connection on which the proxy asked goes on, as browsers expect.
func TestConnectionGoesOnAfterTheQuestion(t *testing.T) {
	f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {}), withDigest)
	c := f.dial(t)
	br := bufio.NewReader(c)
	fmt.Fprintf(c, "GET http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n", siteName)
	resp, err := nethttp.ReadResponse(br, nil)
	if err != nil || resp.Close {
		t.Fatalf("%+v %v", resp, err)
	}
	nonce := challenges(t, resp, false)["MD5"]
	readAll(t, resp)
	fmt.Fprintf(c, "GET http://%s/ HTTP/1.1\r\nHost: x\r\n%s\r\n", siteName, answer("MD5", "bob", "pw", "GET", "/", nonce, 1))
	if resp, err = nethttp.ReadResponse(br, nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("%+v %v", resp, err)
	}
}

func TestRulesKnowTheProvenUser(t *testing.T) {
	rules := withRules(t, proxies.Rule{Match: []string{"*.i2p"}, User: "bob", Action: proxies.Block})
	f := start(t, nil, withDigest, rules)
	nonce := ask(t, f)["MD5"]
	for user, status := range map[string]int{"alice": 502, "bob": 403} {
		resp, _ := f.exchange(t, "GET http://x.i2p/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+answer("MD5", user, "pw", "GET", "/", nonce, len(user))+"\r\n")
		if resp.StatusCode != status {
			t.Errorf("%s: %d", user, resp.StatusCode)
		}
	}
}

func TestCurlAuthenticates(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("CLOVE_INTEROP") == "required" {
			t.Fatal(err)
		}
		t.Skip("no curl: ", err)
	}
	for _, scheme := range []string{httpproxy.AuthDigest, httpproxy.AuthBasic} {
		f := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			b, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, b)
		}), withDigest, func(c *httpproxy.Config) { c.Auth = scheme })
		run := func(args ...string) string {
			t.Helper()
			args = append([]string{"-sS", "-q", "--max-time", "30", "-x", "http://" + f.address, "--proxy-" + scheme}, args...)
			out, err := exec.CommandContext(t.Context(), curl, args...).CombinedOutput()
			if err != nil {
				t.Errorf("curl: %v: %s", err, out)
			}
			return string(out)
		}
		if got := run("-U", "alice:pw", "http://"+siteName+"/a?b", "http://"+siteName+"/c"); got != "GET /a?b GET /c " {
			t.Errorf("%s: %q", scheme, got)
		}
		if got := run("-U", "alice:pw", "-d", "form", "http://"+siteName+"/a"); got != "POST /a form" {
			t.Errorf("%s: %q", scheme, got)
		}
		if got := run("-p", "-U", "bob:pw", "http://"+siteName+"/tunnel"); got != "GET /tunnel " {
			t.Errorf("%s: CONNECT: %q", scheme, got)
		}
		if got := run("-U", "alice:wrong", "-o", os.DevNull, "-w", "%{http_code}", "http://"+siteName+"/"); got != "407" {
			t.Errorf("%s: %q", scheme, got)
		}
	}
}

func TestDigestNeedsHA1(t *testing.T) {
	cfg := httpproxy.DefaultConfig()
	cfg.Users, cfg.Auth = noHA1{proxies.Users{"a": "b"}}, httpproxy.AuthDigest
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "htdigest") {
		t.Error(err)
	}
	cfg.Auth = "ntlm"
	if err := cfg.Validate(); err == nil {
		t.Error("ntlm")
	}
}

type noHA1 struct{ proxies.Users }

func (noHA1) Algorithms() []proxies.Algorithm { return nil }
