package ircd

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// client is one connection. Its fields are the server's to change, under the server's lock.
type client struct {
	server *Server
	conn   net.Conn
	queue  chan string // closed by Server.remove; full: the client ends

	nick, user, real, host, away string

	negotiating bool // between CAP LS and CAP END
	registered  bool
	since       time.Time
}

func newClient(s *Server, conn net.Conn) *client {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		host = "unknown"
	}
	return &client{server: s, conn: conn, host: host, queue: make(chan string, maxQueue), since: time.Now()}
}

// run serves the client until it goes.
func (c *client) run(ctx context.Context) {
	written := make(chan struct{})
	go func() { defer close(written); c.write() }()
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetReadDeadline(time.Unix(1, 0)) })
	why := c.read(ctx)
	stop()
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	c.server.mu.Lock()
	c.send("ERROR :Closing link: %s", why)
	c.server.mu.Unlock()
	c.server.remove(c, why)
	<-written
}

// read takes lines until the client ends, and says why.
func (c *client) read(ctx context.Context) string {
	r := bufio.NewReaderSize(c.conn, maxLine)
	deadline, pinged := time.Now().Add(registrationTime), false
	for {
		_ = c.conn.SetReadDeadline(deadline)
		if ctx.Err() != nil {
			return "Server ends"
		}
		line, err := r.ReadSlice('\n')
		if ne, ok := err.(net.Error); ok && ne.Timeout() && ctx.Err() == nil { //nolint:errorlint // of the connection itself
			if c.isRegistered() && !pinged {
				c.server.mu.Lock()
				c.send("PING :%s", c.server.cfg.Name)
				c.server.mu.Unlock()
				deadline, pinged = time.Now().Add(pingInterval), true
				continue
			}
			return "Ping timeout"
		}
		if err != nil {
			return "Connection closed"
		}
		text := strings.TrimRight(string(line), "\r\n")
		if strings.ContainsAny(text, "\x00\r") {
			continue
		}
		why, ok := c.server.handle(c, parse(text))
		if !ok {
			return why
		}
		if c.isRegistered() {
			deadline, pinged = time.Now().Add(pingInterval), false
		}
	}
}

func (c *client) isRegistered() bool {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.registered
}

// write sends what is queued, as much of it at a time as there is.
func (c *client) write() {
	defer c.conn.Close()
	w := bufio.NewWriter(c.conn)
	for line := range c.queue {
		_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := w.WriteString(line)
		if err == nil && len(c.queue) == 0 {
			err = w.Flush()
		}
		if err != nil {
			_ = c.conn.SetReadDeadline(time.Unix(1, 0))
			for range c.queue { // until the reader has had the client removed
			}
			return
		}
	}
	_ = w.Flush()
}

// send queues a line. A client with a full queue ends.
func (c *client) send(format string, args ...any) {
	if _, ok := c.server.clients[c]; !ok {
		return
	}
	line := fmt.Sprintf(format, args...)
	if len(line) > maxLine-2 {
		line = line[:maxLine-2]
	}
	select {
	case c.queue <- line + "\r\n":
	default:
		_ = c.conn.Close()
	}
}

func (c *client) numeric(code int, format string, args ...any) {
	nick := c.nick
	if nick == "" {
		nick = "*"
	}
	c.send(":%s %03d %s "+format, append([]any{c.server.cfg.Name, code, nick}, args...)...)
}

func (c *client) mask() string { return c.nick + "!" + c.user + "@" + c.host }
