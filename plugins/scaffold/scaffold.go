package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed all:templates
var templates embed.FS

// goVersion is that of clove's own go.mod: a module that uses it needs the same.
const goVersion = "1.26.0"

// Options of a new plugin.
type Options struct {
	// Module path; empty: example.com/clove-plugin-NAME.
	Module string
	// Version of clove.i2p that it needs, "v1.2.3"; empty: v0.0.0, which only Replace makes useful.
	Version string
	// Replace is a folder with clove's source, which is used instead of a released version; empty: none.
	Replace string
}

var (
	namePattern   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	modulePattern = regexp.MustCompile(`^[A-Za-z0-9._~/-]+$`)
)

// Write makes a plugin in a folder that is not there yet, or is empty. The name is lower-case with hyphens, "weather" or "my-proxy": it
// is the plugin's name, and its tunnel type's.
func Write(dir, name string, o Options) error {
	if len(name) > 32 || !namePattern.MatchString(name) {
		return fmt.Errorf("plugin name %q: use up to 32 lower-case letters, digits and single hyphens, such as \"weather\"", name)
	}
	if o.Module == "" {
		o.Module = "example.com/clove-plugin-" + name
	}
	if !modulePattern.MatchString(o.Module) {
		return fmt.Errorf("module path %q: use something like \"example.com/clove-plugin-%s\"", o.Module, name)
	}
	if o.Version == "" {
		o.Version = "v0.0.0"
	}
	var sums []byte
	if o.Replace != "" {
		var err error
		if o.Replace, sums, err = source(o.Replace); err != nil {
			return err
		}
	}
	if err := emptyFolder(dir); err != nil {
		return err
	}
	files, err := render(struct {
		Options

		Name, Go string
	}{o, name, goVersion})
	if err != nil {
		return err
	}
	if len(sums) > 0 {
		files["go.sum"] = sums
	}
	for file, content := range files {
		if err := create(filepath.Join(dir, file), content); err != nil {
			return err
		}
	}
	return nil
}

// source checks a folder with clove's source and returns its absolute path and checksums.
func source(dir string) (path string, sums []byte, err error) {
	if path, err = filepath.Abs(dir); err != nil {
		return "", nil, err
	}
	mod, err := os.ReadFile(filepath.Join(path, "go.mod"))
	if err != nil || !bytes.HasPrefix(mod, []byte("module clove.i2p\n")) {
		return "", nil, fmt.Errorf("%s is not clove's source: there is no go.mod of module clove.i2p", dir)
	}
	sums, err = os.ReadFile(filepath.Join(path, "go.sum"))
	if err != nil {
		return "", nil, fmt.Errorf("clove's source: %w", err)
	}
	return path, sums, nil
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(dir, 0o755)
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: name a folder that is not there yet", dir)
	}
	return nil
}

// render fills in the templates. A file "x.tmpl" becomes "x", "dot-x.tmpl" ".x".
func render(data any) (map[string][]byte, error) {
	out := map[string][]byte{}
	all, err := templates.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	for _, entry := range all {
		t, err := template.New(entry.Name()).Option("missingkey=error").ParseFS(templates, "templates/"+entry.Name())
		if err != nil {
			return nil, fmt.Errorf("scaffold: %w", err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return nil, fmt.Errorf("scaffold: %w", err)
		}
		name := strings.TrimSuffix(entry.Name(), ".tmpl")
		if rest, ok := strings.CutPrefix(name, "dot-"); ok {
			name = "." + rest
		}
		out[name] = b.Bytes()
	}
	return out, nil
}

// create never overwrites.
func create(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
