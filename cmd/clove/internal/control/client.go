package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"
	"time"
)

// ErrNotRunning: no clove answers on the control socket.
var ErrNotRunning = errors.New("clove is not running")

// A Client speaks to a running clove.
type Client struct {
	path string
	http http.Client
}

// NewClient speaks through the control socket at path.
func NewClient(path string) *Client {
	return &Client{path: path, http: http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true,
	}}}
}

// statusTimeout is for a clove that is stopped or overloaded.
const statusTimeout = 10 * time.Second

// Status asks what clove is doing.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, statusTimeout, fmt.Errorf("no answer on %s within %v", c.path, statusTimeout))
	defer cancel()
	body, err := c.do(ctx, http.MethodGet, "/v1/status", nil)
	if err != nil {
		return s, err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(&s); err != nil {
		return s, fmt.Errorf("read the answer of clove: %w", err)
	}
	return s, nil
}

// Serve has the running clove host an eepsite until ctx ends.
func (c *Client) Serve(ctx context.Context, r ServeRequest, progress func(ServeProgress)) error {
	body, err := c.do(ctx, http.MethodPost, "/v1/serve", r)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer body.Close()
	for d := json.NewDecoder(body); ; {
		var p ServeProgress
		switch err := d.Decode(&p); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return errors.New("clove was stopped")
		case p.Error != "":
			return errors.New(p.Error)
		}
		progress(p)
	}
}

func (c *Client) do(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	if err := checkPath(c.path); err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://clove"+path, &content)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w (nobody answers on %s): start it with clove run, or name its --data-dir", ErrNotRunning, c.path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("ask clove: %s belongs to another user: ask as the one who started clove", c.path)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("ask clove: %w", context.Cause(ctx))
	case err != nil:
		return nil, fmt.Errorf("ask clove: %w", err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	var e apiError
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&e); err != nil || e.Error == "" {
		return nil, fmt.Errorf("clove answers %s", answer.Status)
	}
	return nil, &Error{Code: e.Code, Text: e.Error}
}

// call sends a request and decodes the answer. There is no time limit but that of ctx: a drain takes its time.
func call[Answer any](ctx context.Context, c *Client, method, path string, body any) (a Answer, err error) {
	in, err := c.do(ctx, method, path, body)
	if err != nil {
		return a, err
	}
	defer in.Close()
	if err := json.NewDecoder(in).Decode(&a); err != nil {
		return a, fmt.Errorf("read the answer of clove: %w", err)
	}
	return a, nil
}

func (c *Client) command(ctx context.Context, method, path string) error {
	_, err := call[struct{}](ctx, c, method, path, nil)
	return err
}
