package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// ManagedName is the file of the data directory that clove tunnel and clove plugin write. What clove.toml says of the same
// tunnel or plugin goes before it.
const ManagedName = "managed.toml"

const managedHead = "# Written by clove tunnel and clove plugin. What you write yourself belongs into " + FileName + ".\n\n"

// Managed is what the commands have set: the plugins and tunnels by name.
type Managed struct {
	Plugins map[string]map[string]any `toml:"plugins,omitempty"`
	Tunnels map[string]map[string]any `toml:"tunnels,omitempty"`
}

// ReadManaged reads the file of a data directory; without a file it is empty.
func ReadManaged(dataDir string) (Managed, error) {
	m := Managed{Plugins: map[string]map[string]any{}, Tunnels: map[string]map[string]any{}}
	path := filepath.Join(dataDir, ManagedName)
	doc, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = toml.NewDecoder(bytes.NewReader(doc)).DisallowUnknownFields().Decode(&m)
	}
	if err != nil {
		return m, fmt.Errorf("config: %s: %w", path, err)
	}
	return m, nil
}

// Write replaces the file, whole or not at all. It may hold passwords: only its owner can read it.
func (m Managed) Write(dataDir string) error {
	doc, err := toml.Marshal(m)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	path := filepath.Join(dataDir, ManagedName)
	f, err := os.CreateTemp(dataDir, ManagedName+".*")
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(managedHead + string(doc))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return nil
}

// CheckName tells whether a tunnel or plugin can have this name: a-z, 0-9 and inner - or _, up to 48.
func CheckName(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	if name == "" || len(name) > maxName || strings.Trim(name, letters+"-_") != "" ||
		!strings.Contains(letters, name[:1]) || !strings.Contains(letters, name[len(name)-1:]) {
		return fmt.Errorf("the name %q: want letters a-z, digits, and - or _ between them, up to %d", name, maxName)
	}
	return nil
}
