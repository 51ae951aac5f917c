package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/host/sandbox"
)

// filePrefix begins the file names of plugins.
const filePrefix = "clove-plugin-"

// folders are where plugins are looked for, best first. Never PATH: who can put a file there must not run it here.
func (h *Host) folders() []string {
	f := []string{h.beside}
	if h.cfg.DataDir != "" {
		f = append(f, filepath.Join(h.cfg.DataDir, "plugins"))
	}
	return f
}

// locate returns the path of a plugin's file, and whether it is one of those that came with clove.
func (h *Host) locate(name string, cfg PluginConfig) (path string, bundled bool, err error) {
	file := cfg.Path
	switch {
	case file == "":
		file = filePrefix + name
	case filepath.IsAbs(file):
		file = filepath.Clean(file)
		return file, h.bundledFile(file), nil
	case strings.ContainsRune(file, filepath.Separator):
		return "", false, fmt.Errorf("plugin %s: path %q is relative: write the whole path, or put the file into %s and write only its name",
			name, file, h.folders()[len(h.folders())-1])
	}
	for _, folder := range h.folders() {
		path := filepath.Join(folder, file)
		if _, err := os.Lstat(path); err == nil {
			return path, h.bundledFile(path), nil
		}
	}
	return "", false, fmt.Errorf("plugin %s: %w: there is no file %s in %s; build it there, or set path in [plugins.%s]",
		name, os.ErrNotExist, file, strings.Join(h.folders(), " or "), name)
}

func (h *Host) bundledFile(path string) bool {
	return filepath.Dir(path) == h.beside && strings.HasPrefix(filepath.Base(path), filePrefix)
}

// open opens the file of a plugin and compares it with what was registered. any takes every content, where none was.
func (h *Host) open(name string, cfg PluginConfig, any bool) (b *sandbox.Binary, bundled bool, err error) {
	path, bundled, err := h.locate(name, cfg)
	if err != nil {
		return nil, false, err
	}
	b, err = sandbox.Open(path)
	if err != nil {
		return nil, bundled, fmt.Errorf("plugin %s: %w", name, err)
	}
	switch {
	case cfg.SHA256 == "" && !bundled && !any:
		err = fmt.Errorf("plugin %s: %w: clove starts only a file whose checksum the user has given; run clove plugin add %s --name %s --sha256 %s --grant ...",
			name, ErrUnregistered, b.Path, name, b.SHA256)
	case cfg.SHA256 != "" && !strings.EqualFold(cfg.SHA256, b.SHA256):
		err = fmt.Errorf("plugin %s: %w: %s was registered with sha256 %s and has %s; if you have replaced it, run clove plugin upgrade %s --sha256 %s",
			name, ErrChecksum, b.Path, cfg.SHA256, b.SHA256, name, b.SHA256)
	}
	if err != nil {
		_ = b.Close()
		return nil, bundled, err
	}
	return b, bundled, nil
}

// Discover lists the plugin files beside clove and in DATA_DIR/plugins.
func (h *Host) Discover() []Found {
	var all []Found
	for _, folder := range h.folders() {
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			name, ok := strings.CutPrefix(e.Name(), filePrefix)
			name = strings.TrimSuffix(name, ".exe")
			if !ok || checkName(name) != nil || e.IsDir() || slices.ContainsFunc(all, func(f Found) bool { return f.Name == name }) {
				continue
			}
			all = append(all, Found{Name: name, Path: filepath.Join(folder, e.Name()), Bundled: folder == h.beside})
		}
	}
	return all
}

// effective are the plugins of desired, and the bundled ones that it does not name.
func (h *Host) effective(desired Desired) map[string]PluginConfig {
	all := map[string]PluginConfig{}
	for _, f := range h.Discover() {
		if f.Bundled {
			all[f.Name] = PluginConfig{}
		}
	}
	for name, cfg := range desired.Plugins {
		all[name] = cfg
	}
	return all
}

// grant is what a plugin may do: what the user said, or for a bundled one without a word from the user all that it asks for but
// the way out of I2P.
func grant(name string, cfg PluginConfig, bundled bool, asked []pb.Permission) ([]pb.Permission, error) {
	var granted []pb.Permission
	if cfg.Permissions == nil && bundled {
		for _, p := range asked {
			if p != pb.Permission_DIAL_CLEARNET {
				granted = append(granted, p)
			}
		}
		return granted, nil
	}
	for _, text := range cfg.Permissions {
		p, err := gate.ParsePermission(text)
		if err != nil {
			return nil, fmt.Errorf("permissions of plugin %s: %w", name, err)
		}
		if !slices.Contains(granted, p) {
			granted = append(granted, p)
		}
	}
	return granted, nil
}

func permissionNames(all []pb.Permission) []string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = gate.PermissionName(p)
	}
	return names
}

// checkName is for plugins and tunnels: names become file names and parts of commands.
func checkName(name string) error {
	ok := name != "" && len(name) <= maxName && name[0] != '.' && name[0] != '-'
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	}
	if !ok {
		return fmt.Errorf("name %.60q: use 1 to %d letters, digits, -, _ and ., beginning with a letter or digit", name, maxName)
	}
	return nil
}
