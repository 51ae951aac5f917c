package control_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clove.i2p/cmd/clove/internal/control"
)

// fake is a Clove whose eepsites are reachable at once.
type fake struct {
	control.Clove               // what a test does not call
	err           error         // of Serve, before it has begun
	broken        chan error    // ends eepsites
	ended         chan struct{} // one for each eepsite that ended
}

func newFake() *fake { return &fake{broken: make(chan error), ended: make(chan struct{}, 10)} }

func (f *fake) Status() control.Status {
	return control.Status{RouterHash: "hash", NetworkID: 7}
}

func (f *fake) Serve(ctx context.Context, r control.ServeRequest, progress func(control.ServeProgress)) error {
	if f.err != nil {
		return f.err
	}
	defer func() { f.ended <- struct{}{} }()
	progress(control.ServeProgress{Eepsite: r.Target + "!"})
	progress(control.ServeProgress{Eepsite: r.Target + "!", Ready: true})
	select {
	case <-ctx.Done():
		return nil
	case err := <-f.broken:
		return err
	}
}

// socket is a path that is short enough on every system.
func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "clove-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "data", "control.sock")
}

// start serves f at path; stop ends it and waits.
func start(t *testing.T, path string, f *fake) (stop func()) {
	t.Helper()
	return startClove(t, path, f)
}

func startClove(t *testing.T, path string, f control.Clove) (stop func()) {
	t.Helper()
	s, err := control.Listen(path, f, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
}

func TestStatus(t *testing.T) {
	path := socket(t)
	stop := start(t, path, newFake())
	s, err := control.NewClient(path).Status(t.Context())
	if err != nil || s.RouterHash != "hash" || s.NetworkID != 7 {
		t.Errorf("%+v, %v", s, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info, err)
	}
	stop()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	path := socket(t)
	if _, err := control.NewClient(path).Status(t.Context()); !errors.Is(err, control.ErrNotRunning) || !strings.Contains(err.Error(), "clove run") {
		t.Errorf("no socket: %v", err)
	}
	leave(t, path)
	if _, err := control.NewClient(path).Status(t.Context()); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("dead socket: %v", err)
	}
}

// leave leaves a socket as a crash does.
func leave(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
}

func TestDeadSocketIsReplacedAndLiveOneIsNot(t *testing.T) {
	path := socket(t)
	leave(t, path)
	stop := start(t, path, newFake())
	defer stop()
	if _, err := control.Listen(path, newFake(), nil); !errors.Is(err, control.ErrRunning) {
		t.Errorf("second server: %v", err)
	}
	if err := control.Check(path); !errors.Is(err, control.ErrRunning) {
		t.Errorf("check: %v", err)
	}
	if _, err := control.NewClient(path).Status(t.Context()); err != nil {
		t.Errorf("the first server: %v", err)
	}
}

func TestFileInPlaceOfTheSocketStays(t *testing.T) {
	path := socket(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(path, newFake(), nil); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("error: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "mine" {
		t.Errorf("file: %q, %v", b, err)
	}
}

func TestPathThatIsTooLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("x", 110), "control.sock")
	_, listen := control.Listen(path, newFake(), nil)
	_, ask := control.NewClient(path).Status(t.Context())
	for _, err := range []error{listen, ask, control.Check(path)} {
		if err == nil || !strings.Contains(err.Error(), "shorter data_dir") {
			t.Errorf("error: %v", err)
		}
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder was made: %v", err)
	}
}

func TestEepsiteEndsWithItsClient(t *testing.T) {
	path, f := socket(t), newFake()
	stop := start(t, path, f)
	defer stop()
	ctx, cancel := context.WithCancel(t.Context())
	var seen []control.ServeProgress
	err := control.NewClient(path).Serve(ctx, control.ServeRequest{Target: "site"}, func(p control.ServeProgress) {
		seen = append(seen, p)
		if p.Ready {
			cancel()
		}
	})
	if err != nil || len(seen) != 2 || seen[0] != (control.ServeProgress{Eepsite: "site!"}) || !seen[1].Ready {
		t.Errorf("%v, %v", seen, err)
	}
	select {
	case <-f.ended:
	case <-time.After(30 * time.Second):
		t.Error("the eepsite goes on without its client")
	}
}

func TestEepsiteEndsWithClove(t *testing.T) {
	path, f := socket(t), newFake()
	stop := start(t, path, f)
	err := control.NewClient(path).Serve(t.Context(), control.ServeRequest{Target: "site"}, func(p control.ServeProgress) {
		if p.Ready {
			go stop()
		}
	})
	if err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("error: %v", err)
	}
	<-f.ended
}

func TestErrorsOfServe(t *testing.T) {
	path, f := socket(t), newFake()
	stop := start(t, path, f)
	defer stop()
	f.err = errors.New("no such folder")
	c := control.NewClient(path)
	if err := c.Serve(t.Context(), control.ServeRequest{}, func(control.ServeProgress) {}); err == nil || err.Error() != "no such folder" {
		t.Errorf("before it began: %v", err)
	}
	f.err = nil
	err := c.Serve(t.Context(), control.ServeRequest{}, func(p control.ServeProgress) {
		if p.Ready {
			f.broken <- errors.New("keys are gone")
		}
	})
	if err == nil || err.Error() != "keys are gone" {
		t.Errorf("later: %v", err)
	}
}

func TestClientThatGivesUpBeforeAnAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := socket(t)
	stop := start(t, path, newFake())
	defer stop()
	if err := control.NewClient(path).Serve(ctx, control.ServeRequest{}, func(control.ServeProgress) {}); err != nil {
		t.Errorf("error: %v", err)
	}
}
