package site_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clove.i2p/cmd/clove/internal/site"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// visit serves what on a listener whose connections come from a destination, sends a request as it is and returns the
// answer.
func visit(t *testing.T, what, request string) (status int, h http.Header, body string, from *i2p.Destination) {
	t.Helper()
	handler, err := site.New(what)
	if err != nil {
		t.Fatal(err)
	}
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- site.Serve(visitors{l, k.Destination}, handler) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, request)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	return answer.StatusCode, answer.Header, string(b), k.Destination
}

type visitors struct {
	net.Listener
	from *i2p.Destination
}

func (l visitors) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return visitor{c, l.from}, err
}

type visitor struct {
	net.Conn
	from *i2p.Destination
}

func (v visitor) RemoteDestination() *i2p.Destination { return v.from }

func TestFolderShowsOnlyWhatIsMeant(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.txt")
	for path, text := range map[string]string{
		outside: "secret", filepath.Join(dir, "index.html"): "start", filepath.Join(dir, "a.txt"): "file a",
		filepath.Join(dir, ".env"): "secret", filepath.Join(dir, ".git", "config"): "secret", filepath.Join(dir, "sub", "b.txt"): "file b",
		filepath.Join(dir, "with", "index.html"): "inner",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"out": outside, "up": filepath.Dir(outside), "in": "a.txt"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/", 200, "start"},
		{"/a.txt", 200, "file a"},
		{"/sub/b.txt", 200, "file b"},
		{"/with/", 200, "inner"},
		{"/with", 301, ""},
		{"/in", 200, "file a"},
		{"/sub/", 404, ""},
		{"/sub", 404, ""},
		{"/.env", 404, ""},
		{"/.git/config", 404, ""},
		{"/sub/../.env", 404, ""},
		{"/%2eenv", 404, ""},
		{"/out", 404, ""},
		{"/up/secret.txt", 404, ""},
		{"/../" + filepath.Base(filepath.Dir(outside)) + "/secret.txt", 404, ""},
		{"/..%2f..%2fetc/passwd", 404, ""},
		{"/none", 404, ""},
	} {
		status, h, body, _ := visit(t, dir, "GET "+c.path+" HTTP/1.1\r\nHost: x.b32.i2p\r\nConnection: close\r\n\r\n")
		if strings.Contains(body, "secret") || strings.Contains(body, "<a href=\"b.txt\"") {
			t.Errorf("%s: shows %q", c.path, body)
		}
		// A path with .. may be refused as such; a symlink that leaves the folder is an error of the server's or not found.
		if status != c.status && !(c.status == 404 && status >= 400) || c.body != "" && body != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.path, status, body, c.status, c.body)
		}
		if len(h["Date"]) != 0 || h.Get("Server") != "" {
			t.Errorf("%s: header tells too much: %v", c.path, h)
		}
		if strings.Contains(body, dir) {
			t.Errorf("%s: names the folder: %q", c.path, body)
		}
	}
}

func TestVisitorsCannotForgeWhoTheyAre(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			fmt.Fprintf(w, "%s=%s\n", name, strings.Join(values, ","))
		}
		fmt.Fprintf(w, "host=%s\n", r.Host)
	}))
	defer backend.Close()
	_, _, body, from := visit(t, backend.URL, "GET / HTTP/1.1\r\nHost: site.i2p\r\nX-I2P-DestHash: forged\r\nx-i2p-destb32: forged\r\n"+
		"X-I2P-DestB64: forged\r\nX_I2P_DestB32: forged\r\nX-Forwarded-For: forged\r\nForwarded: forged\r\nX-Real-IP: forged\r\nProxy: forged\r\n"+
		"X_Forwarded_Host: forged\r\nAccept: kept\r\nConnection: close\r\n\r\n")
	if strings.Contains(body, "forged") {
		t.Errorf("the web server sees\n%s", body)
	}
	for _, want := range []string{
		"Accept=kept", "X-I2p-Desthash=" + from.Hash().String(), "X-I2p-Destb32=" + from.Base32(), "X-I2p-Destb64=" + from.Base64(), "host=site.i2p",
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	_, _, body, _ = visit(t, backend.URL, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if !strings.Contains(body, "host="+strings.TrimPrefix(backend.URL, "http://")+"\n") {
		t.Errorf("the visitor chose the host:\n%s", body)
	}
}

func TestNothingOfThisMachineGoesBack(t *testing.T) {
	var backend *httptest.Server
	backend = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "secret/1.0")
		w.Header().Set("X-Powered-By", "secret")
		w.Header().Set("Location", backend.URL+"/next?a=b")
		w.Header().Set("Set-Cookie", "kept=1")
		w.WriteHeader(http.StatusFound)
	}))
	defer backend.Close()
	status, h, _, _ := visit(t, backend.URL, "GET / HTTP/1.1\r\nHost: site.i2p\r\nConnection: close\r\n\r\n")
	if status != http.StatusFound || h.Get("Location") != "/next?a=b" || h.Get("Set-Cookie") != "kept=1" {
		t.Errorf("%d %v", status, h)
	}
	for _, name := range []string{"Server", "X-Powered-By", "Date"} {
		if len(h[name]) != 0 {
			t.Errorf("%s: %v", name, h[name])
		}
	}
}

func TestWebServerThatIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	status, _, body, _ := visit(t, "http://"+address, "GET / HTTP/1.1\r\nHost: site.i2p\r\nConnection: close\r\n\r\n")
	if status != http.StatusBadGateway || strings.Contains(body, address) {
		t.Errorf("%d %q", status, body)
	}
}

func TestWhatCannotBeServed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{file, filepath.Join(t.TempDir(), "none"), "http://", "http://%", "ftp://127.0.0.1/", ""} {
		if _, err := site.New(what); err == nil {
			t.Errorf("%q: no error", what)
		}
	}
}
