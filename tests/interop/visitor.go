//go:build linux

package interop

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"clove.i2p/tests/netns"
)

// A Visitor reads an eepsite, with a new connection for each request and no second try.
type Visitor struct {
	client *http.Client
	site   string
}

// NewVisitor reads http://site/ over connections of dial.
func NewVisitor(site string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *Visitor {
	return &Visitor{&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, site}
}

// NewProxyVisitor reads http://site/ through a proxy: http://host:port or socks5h://host:port.
func NewProxyVisitor(site, proxy string) (*Visitor, error) {
	u, err := url.Parse(proxy)
	if err != nil {
		return nil, fmt.Errorf("interop: %w", err)
	}
	return &Visitor{&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(u), DisableKeepAlives: true}}, site}, nil
}

// Read gets a small page.
func (v *Visitor) Read(ctx context.Context, path string) (string, error) {
	var body []byte
	err := v.do(ctx, http.MethodGet, path, nil, 0, func(r io.Reader) (err error) {
		body, err = io.ReadAll(r)
		return err
	})
	return string(body), err
}

// ReadPage gets netns.Page.
func (v *Visitor) ReadPage(ctx context.Context) error {
	text, err := v.Read(ctx, "/")
	if err == nil && text != netns.Page {
		err = fmt.Errorf("interop: got %.80q for the page", text)
	}
	return err
}

// ReadPages gets netns.Page n times, one after the other, and returns the first error.
func (v *Visitor) ReadPages(ctx context.Context, n int) error {
	for i := range n {
		if err := v.ReadPage(ctx); err != nil {
			return fmt.Errorf("request %d of %d: %w", i+1, n, err)
		}
	}
	return nil
}

// Download gets n bytes and compares their hash.
func (v *Visitor) Download(ctx context.Context, n int64) error {
	sum := sha256.New()
	var got int64
	err := v.do(ctx, http.MethodGet, fmt.Sprintf("/bytes/%d", n), nil, 0, func(r io.Reader) (err error) {
		got, err = io.Copy(sum, r)
		return err
	})
	if err != nil {
		return fmt.Errorf("download, %d of %d bytes: %w", got, n, err)
	}
	if [sha256.Size]byte(sum.Sum(nil)) != netns.BytesSum(n) {
		return fmt.Errorf("interop: download of %d bytes differs", n)
	}
	return nil
}

// Upload posts n bytes and compares the hash that the server tells.
func (v *Visitor) Upload(ctx context.Context, n int64) error {
	var sum []byte
	err := v.do(ctx, http.MethodPost, "/upload", netns.Bytes(n), n, func(r io.Reader) (err error) {
		sum, err = io.ReadAll(r)
		return err
	})
	if err != nil {
		return fmt.Errorf("upload of %d bytes: %w", n, err)
	}
	if string(sum) != fmt.Sprintf("%x", netns.BytesSum(n)) {
		return fmt.Errorf("interop: upload of %d bytes differs: %.80q", n, sum)
	}
	return nil
}

func (v *Visitor) do(ctx context.Context, method, path string, body io.Reader, size int64, read func(io.Reader) error) error {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+v.site+path, body)
	if err != nil {
		return fmt.Errorf("interop: %w", err)
	}
	req.ContentLength = size
	resp, err := v.client.Do(req)
	if err != nil {
		return fmt.Errorf("after %v: %w", time.Since(began).Round(time.Millisecond), err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		return fmt.Errorf("interop: %s %s: %s after %v: %.300q", method, path, resp.Status, time.Since(began).Round(time.Millisecond), text)
	}
	if err := read(resp.Body); err != nil {
		return fmt.Errorf("after %v: %w", time.Since(began).Round(time.Millisecond), err)
	}
	return nil
}
