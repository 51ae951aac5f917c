package control_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Answers that are no success are JSON too.
func TestErrorsAreJSON(t *testing.T) {
	path := socket(t)
	stop := start(t, path, newFake())
	defer stop()
	for _, c := range []struct{ method, path, body, code string }{
		{"GET", "/", "", "not_found"},
		{"GET", "/v2/status", "", "not_found"},
		{"DELETE", "/v1/status", "", "not_found"},
		{"POST", "/v1/serve", "{", "bad_request"},
		{"POST", "/v1/serve", `{"taget": "x"}`, "bad_request"},
		{"POST", "/v1/serve", `{"target": "` + strings.Repeat("x", 70_000) + `"}`, "bad_request"},
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(c.method, "http://clove"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		go func() { _ = r.Write(conn) }() // the answer to a body that is too long comes before its end
		answer, err := http.ReadResponse(bufio.NewReader(conn), r)
		if err != nil {
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
		var e struct{ Error, Code string }
		err = json.NewDecoder(answer.Body).Decode(&e)
		if err != nil || e.Code != c.code || e.Error == "" || answer.StatusCode < 400 || answer.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %+v, %v", c.method, c.path, answer.StatusCode, e, err)
		}
		conn.Close()
	}
}

func TestProfilesAreThere(t *testing.T) {
	path := socket(t)
	stop := start(t, path, newFake())
	defer stop()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /debug/pprof/goroutine?debug=1 HTTP/1.0\r\n\r\n")
	b, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(b), "goroutine profile:") {
		t.Errorf("%.200q, %v", b, err)
	}
}
