//go:build linux

package natlab

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"clove.i2p/tests/interop"
	"clove.i2p/tests/netns"
)

// HTTPClient sends all requests through the HTTP proxy of the router on the host, i2pd or clove.
func (h *Host) HTTPClient() *http.Client {
	proxy := &url.URL{Scheme: "http", Host: netip.AddrPortFrom(loopback, interop.HTTPPort).String()}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DialContext: h.DialContext, DisableKeepAlives: true}}
}

// A Transfer is what came of a download.
type Transfer struct {
	Bytes int64         // that arrived
	First time.Duration // until the head of the answer was there
	Took  time.Duration // until the last byte, or until the end of the patience
	Err   error         // also if the bytes are others than were sent
}

// Goodput in bytes per second, from the head of the answer on.
func (t Transfer) Goodput() float64 {
	if t.Took <= t.First {
		return 0
	}
	return float64(t.Bytes) / (t.Took - t.First).Seconds()
}

func (t Transfer) String() string {
	text := fmt.Sprintf("%8d bytes in %6.2f s (first %.2f s), %7.1f kB/s", t.Bytes, t.Took.Seconds(), t.First.Seconds(), t.Goodput()/1e3)
	if t.Err != nil {
		return text + ", " + t.Err.Error()
	}
	return text + ", hash equal"
}

// Download gets n bytes of a netns.Web behind a destination, and compares their hash.
func Download(ctx context.Context, client *http.Client, site string, n int64) (t Transfer) {
	began := time.Now()
	defer func() { t.Took = time.Since(began) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/bytes/%d", site, n), nil)
	if err != nil {
		return Transfer{Err: err}
	}
	resp, err := client.Do(req)
	if err != nil {
		return Transfer{Err: err}
	}
	defer resp.Body.Close()
	t.First = time.Since(began)
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		t.Err = fmt.Errorf("natlab: %s: %.300q", resp.Status, text)
		return t
	}
	sum := sha256.New()
	if t.Bytes, t.Err = io.Copy(sum, resp.Body); t.Err != nil {
		return t
	}
	if t.Bytes != n || [sha256.Size]byte(sum.Sum(nil)) != netns.BytesSum(n) {
		t.Err = fmt.Errorf("natlab: the %d bytes differ from what was sent", t.Bytes)
	}
	return t
}
