package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clove.i2p/plugins/sdk"
)

// folderOf makes files; what begins with -> is a link.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if to, ok := strings.CutPrefix(text, "->"); ok {
			if err := os.Symlink(to, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFolderShowsOnlyWhatIsMeant(t *testing.T) {
	outside := folderOf(t, map[string]string{"secret.txt": "secret"})
	dir := folderOf(t, map[string]string{
		"index.html": "start", "a.txt": "file a", "with space.txt": "spaced", ".env": "secret", ".git/config": "secret", "sub/b.txt": "file b", "with/index.html": "inner",
		"odd:name/index.html": "odd", "nested/index.html/x": "folder for a file",
		"out": "->" + filepath.Join(outside, "secret.txt"), "up": "->" + outside, "rel": "->../" + filepath.Base(outside) + "/secret.txt", "in": "->a.txt",
		"hidden": "->.env",
	})
	h, site := eepsite(t, "http-folder", map[string]any{"folder": dir})
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/", 200, "start"}, {"/index.html", 200, "start"}, {"/a.txt", 200, "file a"}, {"/a.txt?q", 200, "file a"}, {"/with%20space.txt", 200, "spaced"},
		{"/sub/b.txt", 200, "file b"}, {"/with/", 200, "inner"}, {"/with", 301, ""}, {"/in", 200, "file a"}, {"//a.txt", 200, "file a"},
		{"/a.txt/", 404, ""}, {"/sub/", 404, ""}, {"/sub", 301, ""}, {"/.env", 404, ""}, {"/.git/config", 404, ""}, {"/.git", 404, ""}, {"/nested/", 404, ""},
		{"/sub/../.env", 404, ""}, {"/sub/../a.txt", 404, ""}, {"/%2eenv", 404, ""}, {"/out", 404, ""}, {"/up/secret.txt", 404, ""}, {"/up/", 404, ""}, {"/rel", 404, ""},
		{"/../" + filepath.Base(outside) + "/secret.txt", 404, ""}, {"/..%2f..%2fetc/passwd", 404, ""}, {"/a.txt%00.html", 404, ""}, {"/none", 404, ""}, {"/odd:name/", 404, ""},
	} {
		r := ask(t, h, site, "alice.i2p", 80, get(c.path))
		if strings.Contains(r.body, "secret") && c.path != "/hidden" || strings.Contains(r.body, "b.txt") || strings.Contains(r.body, dir) {
			t.Errorf("%s: shows %q", c.path, r.body)
		}
		if r.StatusCode != c.status || c.body != "" && r.body != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.path, r.StatusCode, r.body, c.status, c.body)
		}
		if len(r.Header["Date"]) != 0 || r.Header.Get("Server") != "" {
			t.Errorf("%s: header tells too much: %v", c.path, r.Header)
		}
	}
	if r := ask(t, h, site, "alice.i2p", 80, get("/with?a=b")); r.Header.Get("Location") != "./with/?a=b" {
		t.Errorf("redirect to %q", r.Header.Get("Location"))
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		r := ask(t, h, site, "alice.i2p", 80, method+" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d %v", method, r.StatusCode, r.Header)
		}
	}
}

func TestFolderAnswersInParts(t *testing.T) {
	text := strings.Repeat("0123456789", 2000)
	h, site := eepsite(t, "http-folder", map[string]any{"folder": folderOf(t, map[string]string{"a.txt": text, "p.png": text, "x.unknown": "x", "404.html": "<h1>mine</h1>"}), "max_age": "1h"})
	first := ask(t, h, site, "alice.i2p", 80, get("/a.txt"))
	etag, modified := first.Header.Get("Etag"), first.Header.Get("Last-Modified")
	if first.body != text || etag == "" || modified != "Fri, 02 Jan 2026 03:04:05 GMT" || first.Header.Get("Content-Type") != "text/plain; charset=utf-8" ||
		first.Header.Get("Cache-Control") != "max-age=3600" || first.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", first.Header)
	}
	for _, c := range []struct {
		header string
		status int
		body   string
	}{
		{"Range: bytes=15-19", 206, "56789"}, {"Range: bytes=-3", 206, "789"}, {"Range: bytes=99999-", 416, ""}, {"Range: bytes=19995-", 206, "56789"},
		{"If-None-Match: " + etag, 304, ""}, {"If-None-Match: \"other\"", 200, text}, {"If-Modified-Since: " + modified, 304, ""},
		{"If-Match: \"other\"", 412, ""}, {"Range: bytes=0-1\r\nIf-Range: " + etag, 206, "01"}, {"Range: bytes=0-1\r\nIf-Range: \"other\"", 200, text},
	} {
		r := ask(t, h, site, "alice.i2p", 80, get("/a.txt", c.header))
		if r.StatusCode != c.status || c.body != "" && r.body != c.body {
			t.Errorf("%s: %d, %d bytes", c.header, r.StatusCode, len(r.body))
		}
	}
	if r := ask(t, h, site, "alice.i2p", 80, "HEAD /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); r.StatusCode != 200 || r.ContentLength != int64(len(text)) || r.body != "" {
		t.Errorf("HEAD: %d %v", r.StatusCode, r.Header)
	}
	if r := ask(t, h, site, "alice.i2p", 80, get("/none")); r.StatusCode != 404 || r.body != "<h1>mine</h1>" || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("404: %d %q", r.StatusCode, r.body)
	}
	if r := ask(t, h, site, "alice.i2p", 80, get("/x.unknown")); r.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%v", r.Header)
	}
	const offer = "X-Accept-Encoding: x-i2p-gzip"
	if r := ask(t, h, site, "alice.i2p", 80, get("/a.txt", offer)); r.Header.Get("Content-Encoding") != "x-i2p-gzip" || len(r.body) > len(text)/10 {
		t.Errorf("text is not compressed: %v", r.Header)
	}
	if r := ask(t, h, site, "alice.i2p", 80, get("/p.png", offer)); r.Header.Get("Content-Encoding") != "" || r.body != text {
		t.Errorf("a picture is compressed: %v", r.Header)
	}
}

func TestFolderThatIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	h, site := eepsite(t, "http-folder", map[string]any{"folder": dir})
	if state, text := site.Health(); state != sdk.Degraded || strings.Contains(text, dir) {
		t.Errorf("%v %q", state, text)
	}
	if r := ask(t, h, site, "alice.i2p", 80, get("/")); r.StatusCode < 400 || strings.Contains(r.body, dir) {
		t.Errorf("%d %q", r.StatusCode, r.body)
	}
	if err := os.CopyFS(dir, os.DirFS(folderOf(t, map[string]string{"index.html": "there"}))); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, h, site, "alice.i2p", 80, get("/")); r.body != "there" {
		t.Errorf("%q", r.body)
	}
	if state, _ := site.Health(); state != sdk.Healthy {
		t.Error(state)
	}
}

func TestFolderWithoutPermission(t *testing.T) {
	settings := map[string]any{"folder": folderOf(t, map[string]string{"index.html": "start"})}
	h, site := eepsite(t, "http-folder", maps.Clone(settings))
	site.Stop()
	h.Grant(sdk.ListenI2P)
	site = h.Start(plugin(), "http-folder", settings)
	if r := ask(t, h, site, "alice.i2p", 80, get("/")); r.StatusCode == 200 || strings.Contains(r.body, "start") {
		t.Errorf("%d %q", r.StatusCode, r.body)
	}
}
