package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/net/websocket"
)

// browserPage has what people's sites are made of. It is loaded when the last image is, which comes when the script has said all.
const browserPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>An eepsite</title><link rel="stylesheet" href="/style.css"></head>
<body>
<h1>An eepsite in a real browser</h1>
<p>Three images, a style sheet, a script, a websocket.</p>
<p><img id="png" src="/green.png" alt="png"> <img id="jpeg" src="/blue.jpeg" alt="jpeg"> <img id="gif" src="/red.gif" alt="gif"></p>
<table><tr><th>what</th><th>result</th></tr></table>
<img id="last" src="/last.png" alt="">
<script src="/script.js"></script>
</body></html>
`

const browserStyle = `body { font-family: sans-serif; margin: 2em; background: #fdf6e3 }
h1 { color: rgb(1, 102, 204) }
td, th { border: 1px solid #888; padding: 0.3em 1em; text-align: left }
`

const browserScript = `
const table = document.querySelector("table"), say = (what, result) => {
	const row = table.insertRow();
	row.insertCell().textContent = what;
	const cell = row.insertCell();
	cell.id = "result-" + what.replaceAll(" ", "-");
	cell.textContent = result;
};
const loaded = (what, img) => new Promise(done => {
	if (img.complete && img.naturalWidth) return done(say(what, img.naturalWidth + "x" + img.naturalHeight));
	img.addEventListener("load", () => done(say(what, img.naturalWidth + "x" + img.naturalHeight)));
	img.addEventListener("error", () => done(say(what, "not loaded")));
});
const outside = (what, src) => { const img = new Image(); const done = loaded(what, img); img.src = src; return done };
const echo = new Promise(done => {
	const socket = new WebSocket("ws://" + location.host + "/echo"), got = [];
	socket.onopen = () => { socket.send("hello"); socket.send("x".repeat(100000)) };
	socket.onmessage = m => { got.push(m.data.length < 20 ? m.data : m.data.length); if (got.length == 2) { done(say("websocket", got.join(", "))); socket.close() } };
	socket.onerror = () => done(say("websocket", "failed"));
});
Promise.all([
	...["png", "jpeg", "gif"].map(id => loaded(id, document.getElementById(id))), echo,
	outside("an image of the web", "http://example.com/image.png"), outside("an image of this machine", PRIVATE),
	fetch("/whoami").then(r => r.text()).then(t => say("destination", t)),
]).then(() => { say("colour", getComputedStyle(document.querySelector("h1")).color); fetch("/finished") });
`

// A browserSite is the web server behind the eepsite.
type browserSite struct {
	*http.ServeMux
	mu       sync.Mutex
	requests []*http.Request
	finished chan struct{} // the script has said all
	once     sync.Once
}

func (s *browserSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	s.ServeMux.ServeHTTP(w, r)
}

// picture is of one colour, so that it is found in a screenshot.
func picture(c color.Color, width, height int) image.Image {
	i := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{c})
	draw.Draw(i, i.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
	return i
}

var (
	green = color.RGBA{42, 127, 63, 255}
	red   = color.RGBA{203, 32, 39, 255}
)

// newBrowserSite tries private, too, which is the address of something on this machine.
func newBrowserSite(private string) *browserSite {
	s := &browserSite{ServeMux: http.NewServeMux(), finished: make(chan struct{})}
	file := func(path, contentType string, content []byte) {
		s.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Write(content)
		})
	}
	encoded := func(f func(b *bytes.Buffer) error) []byte {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			panic(err)
		}
		return b.Bytes()
	}
	file("/{$}", "text/html; charset=utf-8", []byte(browserPage))
	file("/style.css", "text/css", []byte(browserStyle))
	file("/script.js", "text/javascript", []byte(strings.ReplaceAll(browserScript, "PRIVATE", fmt.Sprintf("%q", private))))
	file("/green.png", "image/png", encoded(func(b *bytes.Buffer) error { return png.Encode(b, picture(green, 200, 120)) }))
	file("/red.gif", "image/gif", encoded(func(b *bytes.Buffer) error { return gif.Encode(b, picture(red, 160, 120), nil) }))
	file("/blue.jpeg", "image/jpeg", encoded(func(b *bytes.Buffer) error {
		return jpeg.Encode(b, picture(color.RGBA{30, 60, 200, 255}, 180, 120), nil)
	}))
	s.HandleFunc("GET /whoami", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-I2P-DestB32")) })
	s.HandleFunc("GET /finished", func(http.ResponseWriter, *http.Request) { s.once.Do(func() { close(s.finished) }) })
	s.HandleFunc("GET /last.png", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-s.finished:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "image/png")
		png.Encode(w, picture(green, 1, 1))
	})
	s.Handle("/echo", websocket.Server{Handler: func(c *websocket.Conn) {
		for {
			var text string
			if websocket.Message.Receive(c, &text) != nil || websocket.Message.Send(c, text) != nil {
				return
			}
		}
	}})
	return s
}

// browse has Chromium load a page; it returns the document as it is then, and a screenshot.
func browse(t *testing.T, proxy, address string) (dom, screenshot string) {
	t.Helper()
	program := installed(t, "chromium")
	profile, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	screenshot = filepath.Join(t.ArtifactDir(), "screenshot.png")
	args := []string{
		"--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-quic", "--no-pings", "--disable-features=OptimizationHints,MediaRouter", "--user-data-dir=" + profile,
		"--proxy-server=" + proxy, "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
		"--force-webrtc-ip-handling-policy=disable_non_proxied_udp", "--window-size=900,760", "--hide-scrollbars", "--timeout=100000",
		"--dump-dom", "--screenshot=" + screenshot,
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium has none for root
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(args, address)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + profile, "TMPDIR=" + profile}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s\n%s", err, errs.String(), out.String())
	}
	return out.String(), screenshot
}

var resultCell = regexp.MustCompile(`<td id="result-([^"]*)">([^<]*)</td>`)

// A browser reads an eepsite, with all that belongs to it, through either proxy, and nothing else.
func TestBrowserReadsEepsite(t *testing.T) {
	installed(t, "chromium")
	visits := make(chan string, 10)
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { visits <- r.URL.Path }))
	defer private.Close()
	n := startNetwork(t, 6, http.NotFoundHandler())
	web := n.start(t, "[tunnels.web]\ntype = \"http-server\"\ntarget = \"http://127.0.0.1:9\"\n")
	web.waitReady(t)
	c := n.start(t, "")
	r := c.waitReady(t)
	for name, proxy := range map[string]string{"HTTP": "http://" + r.HTTPProxy, "SOCKS": "socks5://" + r.SOCKSProxy} {
		t.Run(name, func(t *testing.T) {
			site := newBrowserSite(private.URL + "/image.png")
			server := httptest.NewServer(site)
			defer server.Close()
			writeConfig(t, n, web.data, fmt.Sprintf("[tunnels.web]\ntype = \"http-server\"\ntarget = %q\n", server.URL))
			web.must(t, "reload")
			host := web.tunnel(t, "web", true).Address
			dom, screenshot := browse(t, proxy, "http://"+host+"/")
			results := map[string]string{}
			for _, m := range resultCell.FindAllStringSubmatch(dom, -1) {
				results[m[1]] = m[2]
			}
			destination := results["destination"]
			for what, want := range map[string]string{
				"png": "200x120", "jpeg": "180x120", "gif": "160x120", "websocket": "hello, 100000", "colour": "rgb(1, 102, 204)",
				"an-image-of-the-web": "not loaded", "an-image-of-this-machine": "not loaded", "destination": destination,
			} {
				if got, ok := results[what]; !ok || got != want {
					t.Errorf("%s: %q, want %q", what, got, want)
				}
			}
			if len(destination) != 60 {
				t.Errorf("the site does not know the destination: %q", destination)
			}
			checkRequests(t, site, host, destination)
			if name == "HTTP" { // over SOCKS bytes are passed on as they are
				checkHygiene(t, site)
			}
			checkScreenshot(t, screenshot)
			if t.Failed() {
				t.Log(dom)
			}
			if len(visits) > 0 {
				t.Errorf("a page of I2P reached %s on this machine", <-visits)
			}
		})
	}
	if a := c.audit(t); a.Allowed != 0 || a.Blocked < 2 {
		t.Errorf("audit: %+v", a)
	}
}

// checkRequests looks at what the site saw: all that belongs to the page, from one destination.
func checkRequests(t *testing.T, site *browserSite, host, destination string) {
	t.Helper()
	site.mu.Lock()
	defer site.mu.Unlock()
	paths := map[string]bool{}
	for _, r := range site.requests {
		paths[r.URL.Path] = true
		if r.Host != host || r.Header.Get("X-I2P-DestB32") != destination {
			t.Errorf("%s: host %s, from %s", r.URL.Path, r.Host, r.Header.Get("X-I2P-DestB32"))
		}
	}
	for _, path := range []string{"/", "/style.css", "/script.js", "/green.png", "/blue.jpeg", "/red.gif", "/echo", "/finished"} {
		if !paths[path] {
			t.Errorf("no request for %s", path)
		}
	}
}

// checkHygiene looks for what tells which browser it is, and that there is a proxy. The websocket comes behind CONNECT.
func checkHygiene(t *testing.T, site *browserSite) {
	t.Helper()
	site.mu.Lock()
	defer site.mu.Unlock()
	for _, r := range site.requests {
		if agent := r.UserAgent(); strings.Contains(agent, "Chrom") || strings.Contains(agent, "Linux") {
			t.Errorf("%s: the site is told %q", r.URL.Path, agent)
		}
		for _, name := range []string{"Via", "X-Forwarded-For", "Proxy-Connection", "Accept-Language"} {
			if v := r.Header.Get(name); v != "" {
				t.Errorf("%s: %s: %s", r.URL.Path, name, v)
			}
		}
	}
}

// checkScreenshot looks for the images by their colours, pixel by pixel.
func checkScreenshot(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	shot, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	count := map[color.RGBA]int{}
	for y := shot.Bounds().Min.Y; y < shot.Bounds().Max.Y; y++ {
		for x := shot.Bounds().Min.X; x < shot.Bounds().Max.X; x++ {
			count[color.RGBAModel.Convert(shot.At(x, y)).(color.RGBA)]++
		}
	}
	if count[green] < 200*120 || count[red] < 160*120 {
		t.Errorf("the screenshot has %d green and %d red pixels, want %d and %d", count[green], count[red], 200*120, 160*120)
	}
	t.Logf("screenshot: %d bytes, %v, %d pixels of the PNG, %d of the GIF", len(b), shot.Bounds().Max, count[green], count[red])
}
