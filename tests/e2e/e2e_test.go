package e2e_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// program is the clove binary under test, folder what this test run may leave files in.
var program, folder string

// update rewrites the expected output of scripts.
var update = flag.Bool("update", false, "update the scripts")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if folder, err = os.MkdirTemp("/tmp", "clove-e2e-"); err != nil { // short: sockets go there
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	if program = os.Getenv("E2E_PROGRAM"); program != "" { // see TestDemoWithoutNetwork
		return m.Run()
	}
	program = filepath.Join(folder, "bin", "clove")
	if err := build(program, "clove.i2p/cmd/clove"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, name := range []string{"tcp", "irc", "httpserver", "outproxy", "udp"} {
		if err := build(filepath.Join(folder, "bin", "clove-plugin-"+name), "clove.i2p/plugins/"+name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// build makes a program of this module, with the race detector if this one has it.
func build(to, pkg string, flags ...string) error {
	args := append([]string{"build", "-o", to}, flags...)
	if race {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, pkg)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			// A folder of its own for sockets: the work folder of a script has a long name.
			short, err := os.MkdirTemp(folder, "")
			if err != nil {
				return err
			}
			e.Setenv("DATA", filepath.Join(short, "data"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TMPDIR", short)
			e.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+e.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "mode": mode, "damage": damage, "unchanged": unchanged,
		},
		UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
	})
}

// exits CODE PROGRAM ARGS...: runs a program to its end, which has to have this exit code. stdout and stderr are checked
// as after exec.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	code := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = fmt.Sprint(exit.ExitCode())
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// mode PERMISSIONS FILE...: all files have exactly these permissions.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", name, got, args[0])
		}
	}
}

// damage FILE: overwrites its middle and keeps a copy for unchanged.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	// Half of it is gone, and what remains ends in nonsense.
	b = append(b[:len(b)/2:len(b)/2], bytes.Repeat([]byte{0xff}, 7)...)
	ts.Check(os.WriteFile(path, b, 0o600))
	ts.Check(os.WriteFile(path+".damaged", b, 0o600))
}

// unchanged FILE: it is as damage left it.
func unchanged(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	got, err := os.ReadFile(path)
	ts.Check(err)
	want, err := os.ReadFile(path + ".damaged")
	ts.Check(err)
	if !bytes.Equal(got, want) {
		ts.Fatalf("%s has changed", args[0])
	}
}
