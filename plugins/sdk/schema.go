package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"clove.i2p/plugins/api/pb"
)

// A field is one setting: the schema's entry and where the value goes.
type field struct {
	*pb.Setting

	index []int // in the struct, and in what is embedded there
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
	stringsType  = reflect.TypeFor[[]string]()
	mapType      = reflect.TypeFor[map[string]string]()
)

var settingKinds = map[string]pb.SettingKind{
	"":               pb.SettingKind_PLAIN,
	"listen-address": pb.SettingKind_LISTEN_ADDRESS,
	"dial-address":   pb.SettingKind_DIAL_ADDRESS,
	"i2p-address":    pb.SettingKind_I2P_ADDRESS,
	"file":           pb.SettingKind_FILE,
	"folder":         pb.SettingKind_FOLDER,
	"secret":         pb.SettingKind_SECRET,
	"clearnet-ports": pb.SettingKind_CLEARNET_PORTS,
}

// The host takes these for itself: a plugin would never see them.
var hostKeys = []string{"type", "enabled", "keys", "length", "quantity", "max_connections"}

var (
	keyPattern  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	tagNames    = []string{"setting", "kind", "default", "required", "help", "choices", "publish"}
)

// schemaOf reads the tags of a settings struct.
func schemaOf(t reflect.Type) ([]field, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("settings are a struct, not %s", t)
	}
	var fields []field
	seen := map[string]string{}
	for _, f := range reflect.VisibleFields(t) {
		key, ok := f.Tag.Lookup("setting")
		if !ok {
			for _, name := range tagNames {
				if _, ok := f.Tag.Lookup(name); ok {
					return nil, fmt.Errorf("field %s has a tag %q but no tag \"setting\"", f.Name, name)
				}
			}
			continue
		}
		s, err := settingOf(f, key)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if other, twice := seen[key]; twice {
			return nil, fmt.Errorf("fields %s and %s are both setting %q", other, f.Name, key)
		}
		seen[key] = f.Name
		s.index = f.Index
		fields = append(fields, s)
	}
	return fields, nil
}

func settingOf(f reflect.StructField, key string) (field, error) {
	kind, known := settingKinds[f.Tag.Get("kind")]
	s := field{Setting: &pb.Setting{Key: key, Kind: kind, Help: f.Tag.Get("help")}}
	switch {
	case !f.IsExported():
		return s, errors.New("must be exported")
	case !keyPattern.MatchString(key):
		return s, fmt.Errorf("setting %q: keys are lower-case letters, digits and _", key)
	case slices.Contains(hostKeys, key):
		return s, fmt.Errorf("setting %q is the host's own; choose another name", key)
	case !known:
		return s, fmt.Errorf("kind %q: want one of %s", f.Tag.Get("kind"), strings.Join(kindNames(), ", "))
	}
	var err error
	if s.Type, err = settingType(f.Type); err != nil {
		return s, err
	}
	if s.Required, err = boolTag(f, "required"); err != nil {
		return s, err
	}
	if s.Publish, err = boolTag(f, "publish"); err != nil {
		return s, err
	}
	if choices, ok := f.Tag.Lookup("choices"); ok {
		s.Choices = splitList(choices)
	}
	text := s.Type == pb.SettingType_STRING || s.Type == pb.SettingType_STRINGS || s.Type == pb.SettingType_STRING_MAP
	ports := kind == pb.SettingKind_CLEARNET_PORTS && s.Type == pb.SettingType_INTEGER
	switch {
	case kind != pb.SettingKind_PLAIN && !text && !ports:
		return s, fmt.Errorf("kind %q is for strings, lists and maps, not for %s", f.Tag.Get("kind"), f.Type)
	case len(s.Choices) > 0 && s.Type != pb.SettingType_STRING:
		return s, fmt.Errorf("choices are for strings, not for %s", f.Type)
	case s.Publish && s.Type != pb.SettingType_BOOLEAN:
		return s, fmt.Errorf("publish is for a bool, not for %s", f.Type)
	}
	def, ok := f.Tag.Lookup("default")
	if !ok {
		return s, nil
	}
	if s.Required {
		return s, errors.New("a required setting has no default")
	}
	return s, s.setDefault(f.Type, def)
}

// setDefault keeps the default as JSON, spelled as in the configuration: a duration is "10m".
func (s *field) setDefault(t reflect.Type, def string) error {
	var v any = def
	switch s.Type {
	case pb.SettingType_INTEGER, pb.SettingType_BOOLEAN:
		v = json.RawMessage(def)
	case pb.SettingType_STRINGS:
		v = splitList(def)
	case pb.SettingType_STRING_MAP:
		m := map[string]string{}
		for _, pair := range splitList(def) {
			k, value, ok := strings.Cut(pair, "=")
			if !ok {
				return fmt.Errorf("default %q: a map is written k=v,k=v", def)
			}
			m[k] = value
		}
		v = m
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("default %q is no %s", def, t)
	}
	value := reflect.New(t).Elem()
	if err := s.set(value, raw); err != nil {
		return fmt.Errorf("default %q: %w", def, err)
	}
	s.DefaultJson = string(raw)
	return nil
}

func settingType(t reflect.Type) (pb.SettingType, error) {
	switch t {
	case durationType:
		return pb.SettingType_DURATION, nil
	case sizeType:
		return pb.SettingType_SIZE, nil
	case stringsType:
		return pb.SettingType_STRINGS, nil
	case mapType:
		return pb.SettingType_STRING_MAP, nil
	}
	switch t.Kind() {
	case reflect.String:
		return pb.SettingType_STRING, nil
	case reflect.Bool:
		return pb.SettingType_BOOLEAN, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return pb.SettingType_INTEGER, nil
	}
	return 0, fmt.Errorf("%s cannot be a setting: use string, bool, an integer, time.Duration, sdk.Size, []string or map[string]string", t)
}

func boolTag(f reflect.StructField, name string) (bool, error) {
	switch v := f.Tag.Get(name); v {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return false, fmt.Errorf("%s:%q: write \"true\" or leave it out", name, v)
	}
}

func splitList(s string) []string {
	list := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func kindNames() []string {
	var names []string
	for name := range settingKinds {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
