package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	tomlparser "github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"github.com/pelletier/go-toml/v2"
)

// FileName is the configuration file that Load looks for in the data directory.
const FileName = "clove.toml"

// EnvPrefix begins the environment variables: CLOVE_ROUTER__NTCP2__LISTEN is router.ntcp2.listen.
const EnvPrefix = "CLOVE_"

// A Flag sets a key on the command line.
type Flag struct {
	Name  string // as the user writes it: "--data-dir"
	Key   string // with dots: "data_dir"
	Value string // as in an environment variable; lists are separated by commas
}

// Sources of a configuration. The zero value is the defaults alone.
type Sources struct {
	// File has to exist. Without one, clove.toml in the data directory is read if it is there.
	File string
	// Environ is os.Environ() or nothing.
	Environ []string
	Flags   []Flag
}

// Loaded is a configuration and where it comes from.
type Loaded struct {
	Config
	// File that was read, or empty.
	File    string
	origins map[string]Origin
}

// Load reads all sources. The error is Errors where the configuration is wrong: it names every key.
func Load(s Sources) (*Loaded, error) {
	l := loader{schema: newSchema(), k: koanf.New(delim), origins: map[string]Origin{}}
	if err := l.merge(Default().flat()); err != nil {
		return nil, err
	}
	environment, flags := l.environment(s.Environ), l.flags(s.Flags)
	file, err := l.file(s.File, environment, flags)
	if err != nil {
		return nil, err
	}
	managed, err := l.managed(file, environment, flags)
	if err != nil {
		return nil, err
	}
	for _, layer := range []layer{managed, file, environment, flags} {
		maps.Copy(l.origins, layer.origins)
		if err := l.merge(layer.values); err != nil {
			return nil, err
		}
	}
	if err := l.errs.err(); err != nil {
		return nil, err
	}
	return l.decode(file.name)
}

// DataDir is the data directory that the sources name, even if other settings are wrong. It is an error where it cannot be told.
func DataDir(s Sources) (string, error) {
	l := loader{schema: newSchema(), k: koanf.New(delim), origins: map[string]Origin{}}
	layers := []layer{l.environment(s.Environ), l.flags(s.Flags)}
	if s.File != "" {
		file, err := l.file(s.File)
		if err != nil {
			return "", err
		}
		layers = append([]layer{file}, layers...)
	}
	return dataDir(layers...)
}

type loader struct {
	schema  schema
	k       *koanf.Koanf
	origins map[string]Origin
	errs    Errors
}

// A layer is the settings of one source, converted to the types of Config.
type layer struct {
	name    string
	values  map[string]any
	origins map[string]Origin
}

func newLayer(name string) layer {
	return layer{name: name, values: map[string]any{}, origins: map[string]Origin{}}
}

func (l *loader) merge(values map[string]any) error {
	if err := l.k.Load(confmap.Provider(values, delim), nil); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return nil
}

func (l *loader) fail(key string, o Origin, err error) {
	l.errs = append(l.errs, &Error{Key: shown(key), Origin: o, Err: err})
}

// unknown reports a key that is not a setting.
func (l *loader) unknown(key string, o Origin) {
	if l.schema.section(key) {
		l.fail(key, o, errors.New("is a section, not a setting"))
		return
	}
	if near := l.schema.nearest(key); near != "" {
		l.fail(key, o, fmt.Errorf("unknown key; do you mean %s?", shown(near)))
		return
	}
	l.fail(key, o, errors.New("unknown key"))
}

// setText sets a key of the environment or a flag.
func (l *loader) setText(to layer, key, value string, o Origin) {
	t, ok := l.schema.leaf(key)
	if !ok {
		l.unknown(key, o)
		return
	}
	v, err := parse(value, t)
	if err != nil {
		l.fail(key, o, err)
		return
	}
	to.values[key], to.origins[key] = v, o
}

// testPrefixes begin the variables that steer the project's own tests, which run clove in the environment that they
// have themselves.
var testPrefixes = []string{EnvPrefix + "INTEROP", EnvPrefix + "TEST", EnvPrefix + "NATLAB", EnvPrefix + "HYBRID_I2PD"}

func (l *loader) environment(environ []string) layer {
	names := map[string]string{}
	// Without a delimiter the provider does not nest what it finds.
	found, _ := env.Provider("", env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if slices.ContainsFunc(testPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
				return "", nil // not a setting
			}
			key := strings.ToLower(strings.TrimPrefix(name, EnvPrefix))
			key = strings.ReplaceAll(key, "__", delim)
			names[key] = name
			return key, value
		},
	}).Read()
	to := newLayer("environment")
	for _, key := range slices.Sorted(maps.Keys(found)) {
		l.setText(to, key, fmt.Sprint(found[key]), Origin{Layer: LayerEnvironment, Name: names[key]})
	}
	return to
}

func (l *loader) flags(flags []Flag) layer {
	to := newLayer("flags")
	for _, f := range flags {
		l.setText(to, internal(f.Key), f.Value, Origin{Layer: LayerFlag, Name: f.Name})
	}
	return to
}

// file reads the file that was named, or that of the data directory, which the later layers may name.
func (l *loader) file(path string, later ...layer) (layer, error) {
	named := path != ""
	if !named {
		dir, err := dataDir(later...)
		if err != nil {
			return newLayer(""), nil // without a home there is no default file; data_dir is checked later
		}
		path = filepath.Join(dir, FileName)
	}
	doc, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if named {
			return layer{}, fmt.Errorf("config: %w; 'clove config init' makes a file with all settings", err)
		}
		return newLayer(""), nil
	}
	if err != nil {
		return layer{}, fmt.Errorf("config: %w", err)
	}
	return l.parseFile(path, doc)
}

// dataDir is the data directory that the last of the layers names.
func dataDir(layers ...layer) (string, error) {
	dir := Default().DataDir
	for _, layer := range layers {
		if d, ok := layer.values["data_dir"].(string); ok {
			dir = d
		}
	}
	return expand(dir)
}

// managed reads what the commands of clove have set.
func (l *loader) managed(layers ...layer) (layer, error) {
	dir, err := dataDir(layers...)
	if err != nil {
		return newLayer(""), nil // checked later
	}
	path := filepath.Join(dir, ManagedName)
	doc, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newLayer(""), nil
	case err != nil:
		return layer{}, fmt.Errorf("config: %w", err)
	}
	return l.parseFile(path, doc)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFileLen {
		return nil, fmt.Errorf("%s: %d bytes are too many for a configuration", path, info.Size())
	}
	return os.ReadFile(path)
}

func (l *loader) parseFile(path string, doc []byte) (layer, error) {
	to := newLayer(path)
	k := koanf.New(delim)
	if err := k.Load(rawbytes.Provider(doc), tomlparser.Parser()); err != nil {
		var bad *toml.DecodeError
		if errors.As(err, &bad) {
			row, column := bad.Position()
			return to, fmt.Errorf("config: %s:%d:%d: %w", path, row, column, err)
		}
		return to, fmt.Errorf("config: %s: %w", path, err)
	}
	at := lines(doc)
	l.setSection(to, "", k.Raw(), func(key string) Origin {
		return Origin{Layer: LayerFile, Name: path, Line: at[key]}
	})
	return to, nil
}

// setSection sets what stands in a section of the file.
func (l *loader) setSection(to layer, prefix string, values map[string]any, origin func(key string) Origin) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key, value := prefix+name, values[name]
		section, isSection := value.(map[string]any)
		t, isLeaf := l.schema.leaf(key)
		switch {
		case isLeaf:
			v, err := convert(value, t)
			if err != nil {
				l.fail(key, origin(key), err)
				continue
			}
			to.values[key], to.origins[key] = v, origin(key)
		case isSection && l.schema.section(key):
			to.origins[key] = origin(key)
			l.setSection(to, key+delim, section, origin)
		default:
			l.unknown(key, origin(key))
		}
	}
}

// decode makes the Config of the merged layers.
func (l *loader) decode(file string) (*Loaded, error) {
	out := &Loaded{File: file, origins: l.origins}
	err := l.k.UnmarshalWithConf("", &out.Config, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: &out.Config, TagName: "koanf", ErrorUnused: true,
	}})
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if out.DataDir, err = expand(out.DataDir); err != nil {
		l.fail("data_dir", out.Origin("data_dir"), err)
	}
	for i, f := range out.Router.Reseed.Files {
		if out.Router.Reseed.Files[i], err = expand(f); err != nil {
			l.fail(internal("router.reseed.files"), out.Origin("router.reseed.files"), err)
		}
	}
	for _, e := range out.problems() {
		e.Origin = out.Origin(e.Key)
		l.errs = append(l.errs, e)
	}
	if err := l.errs.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// expand replaces a leading ~ by the home directory.
func expand(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w: write the path without ~", err)
	}
	return filepath.Join(home, path[1:]), nil
}
