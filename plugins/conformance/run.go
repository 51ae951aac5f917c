package conformance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"clove.i2p/plugins/api/pb"
)

// Options say what to try.
type Options struct {
	Binary string // path
	// Settings go before what the suite makes up: "key" for all tunnel types that have this setting, "type.key" for one.
	Settings map[string]any
	// Types limits the suite to these; empty: all that the plugin describes.
	Types []string
	// Log gets what the plugin logs and writes to standard error; nil: nowhere.
	Log *slog.Logger
}

// Status of a check.
type Status string

// The statuses.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result of one check.
type Result struct {
	Name     string        `json:"name"`           // "echo: half-close"
	Status   Status        `json:"status"`         //
	Text     string        `json:"text,omitempty"` // what went wrong, or why it was skipped
	Duration time.Duration `json:"duration_ns"`    //
}

// Summary counts results.
type Summary struct {
	Passed, Failed, Skipped int
}

// skip is the error of a check that cannot be made.
type skip string

func (s skip) Error() string { return string(s) }

// suite is one run.
type suite struct {
	Options

	ctx     context.Context
	report  func(Result)
	summary Summary
	lab     *lab
}

// Run makes all checks, one after the other, and reports each result at once. The error is for what is not the plugin's fault: a
// binary that is not there, no room for temporary files, the end of ctx.
func Run(ctx context.Context, o Options, report func(Result)) (Summary, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	path, err := filepath.Abs(o.Binary)
	if err != nil {
		return Summary{}, fmt.Errorf("conformance: %w", err)
	}
	o.Binary = path
	if info, err := os.Stat(path); err != nil {
		return Summary{}, fmt.Errorf("conformance: %w", err)
	} else if info.IsDir() || info.Mode()&0o111 == 0 {
		return Summary{}, fmt.Errorf("conformance: %s is not an executable file", path)
	}
	l, err := newLab(o.Log)
	if err != nil {
		return Summary{}, err
	}
	defer l.close()
	s := &suite{Options: o, ctx: ctx, report: report, lab: l}
	s.all()
	return s.summary, ctx.Err()
}

// check runs f and reports. It says whether f passed.
func (s *suite) check(name string, f func(ctx context.Context) error) bool {
	if s.ctx.Err() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(s.ctx, checkTime)
	defer cancel()
	begin := time.Now()
	err := recovered(ctx, f)
	r := Result{Name: name, Status: Passed, Duration: time.Since(begin)}
	var skipped skip
	switch {
	case errors.As(err, &skipped):
		r.Status, r.Text = Skipped, err.Error()
		s.summary.Skipped++
	case err != nil:
		r.Status, r.Text = Failed, err.Error()
		s.summary.Failed++
	default:
		s.summary.Passed++
	}
	s.report(r)
	return err == nil
}

func recovered(ctx context.Context, f func(ctx context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in the suite: %v\n%s", v, debug.Stack())
		}
	}()
	return f(ctx)
}

// all is the list.
func (s *suite) all() {
	s.check("says what it is when started by hand", s.byHand)
	if !s.check("handshake", s.handshake) {
		return
	}
	s.check("names its protocol version", s.wrongVersion)
	var d *pb.Description
	if !s.check("description", func(ctx context.Context) (err error) {
		d, err = s.describe(ctx)
		return err
	}) {
		return
	}
	s.check("refuses what it does not know", func(ctx context.Context) error { return s.unknown(ctx, d) })
	for _, t := range d.Types {
		if s.wanted(t.Name) {
			s.typ(d, t)
		}
	}
	s.check("ends when the host is gone", func(ctx context.Context) error { return s.hostGone(ctx, d) })
}

func (s *suite) wanted(name string) bool {
	return len(s.Types) == 0 || slices.Contains(s.Types, name)
}

// typ makes the checks of a tunnel type, with one process for all of them, as in clove.
func (s *suite) typ(d *pb.Description, t *pb.TunnelType) {
	name := t.Name + ": "
	p, err := s.start(s.ctx, d.Permissions)
	if err != nil {
		s.check(name+"process", func(context.Context) error { return err })
		return
	}
	defer p.end()
	x := &trial{suite: s, p: p, typ: t}
	if !s.check(name+"settings", x.settings) {
		return
	}
	s.check(name+"bad settings", x.badSettings)
	if !s.check(name+"start, stop, start again", x.startStop) {
		return
	}
	defer x.remove()
	s.check(name+"health and metrics do not hang", x.answers)
	s.check(name+"stream", x.probe)
	s.check(name+"reload", x.reload)
	s.check(name+"half-close by the client", x.halfCloseClient)
	s.check(name+"half-close by the server", x.halfCloseServer)
	s.check(fmt.Sprintf("%s%d streams", name, streams), x.manyStreams)
	s.check(name+"slow reader", x.slowReader)
	s.check(name+"drain with open connections", x.drainOpen)
	s.check(name+"drain without connections", x.drainIdle)
	s.check(name+"stop closes connections", x.stopOpen)
}
