package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"clove.i2p/plugins/api/pb"
)

// problem is one thing wrong with settings.
type problem struct{ key, text string }

// settingsError has all problems in its text, and is ErrSettings.
func settingsError(all []problem) error {
	texts := make([]string, 0, len(all))
	for _, p := range all {
		texts = append(texts, strings.TrimPrefix(p.key+": "+p.text, ": "))
	}
	return fmt.Errorf("%w: %s", ErrSettings, strings.Join(texts, "; "))
}

// normalize checks values against a type's schema and returns what the plugin gets: defaults filled in, DURATION and SIZE as numbers
// of nanoseconds and bytes (int64), STRINGS as []string, STRING_MAP as map[string]string.
func normalize(t *pb.TunnelType, values map[string]any) (map[string]any, []problem) {
	out := map[string]any{}
	var problems []problem
	report := func(key, text string) {
		if len(problems) < maxProblems {
			problems = append(problems, problem{key, text})
		}
	}
	known := slices.Clone(commonKeys)
	for _, s := range t.GetSettings() {
		known = append(known, s.GetKey())
		v, given := values[s.GetKey()]
		var err error
		switch {
		case given:
			v, err = convert(s, v, false)
		case s.GetDefaultJson() != "":
			v, err = defaultOf(s)
		case s.GetRequired():
			err = fmt.Errorf("it is missing; write %s", example(s))
		default:
			continue
		}
		if err == nil && s.GetRequired() && isEmpty(v) {
			err = fmt.Errorf("it is empty; write %s", example(s))
		}
		if err != nil {
			report(s.GetKey(), err.Error())
			continue
		}
		out[s.GetKey()] = v
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if slices.Contains(known, key) {
			continue
		}
		text := fmt.Sprintf("tunnels of type %s have no such setting", t.GetName())
		if near := nearest(key, known); near != "" {
			text += "; did you mean " + near + "?"
		} else {
			text += "; there are: " + strings.Join(known[len(commonKeys):], ", ")
		}
		report(printable(key, maxName), text)
	}
	return out, problems
}

// encode makes the JSON for the plugin.
func encode(settings map[string]any) ([]byte, error) {
	b, err := json.Marshal(settings)
	if err == nil && len(b) > maxSettingsLen {
		err = fmt.Errorf("the settings have %d bytes; at most %d are possible", len(b), maxSettingsLen)
	}
	return b, err
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	case map[string]string:
		return len(v) == 0
	}
	return false
}

// example is a line that would be right.
func example(s *pb.Setting) string {
	value := `"..."`
	switch s.GetKind() {
	case pb.SettingKind_LISTEN_ADDRESS, pb.SettingKind_DIAL_ADDRESS:
		value = `"127.0.0.1:8080"`
	case pb.SettingKind_I2P_ADDRESS:
		value = `"name.i2p"`
	case pb.SettingKind_FILE, pb.SettingKind_FOLDER:
		value = `"/path"`
	case pb.SettingKind_CLEARNET_PORTS:
		value = `"443"`
	}
	switch s.GetType() {
	case pb.SettingType_INTEGER:
		value = "10"
	case pb.SettingType_BOOLEAN:
		value = "true"
	case pb.SettingType_DURATION:
		value = `"30s"`
	case pb.SettingType_SIZE:
		value = `"64KB"`
	case pb.SettingType_STRINGS:
		value = "[" + value + "]"
	case pb.SettingType_STRING_MAP:
		value = "{ key = " + value + " }"
	case pb.SettingType_STRING:
		if len(s.GetChoices()) > 0 {
			value = strconv.Quote(s.GetChoices()[0])
		}
	}
	return s.GetKey() + " = " + value
}

// convert makes a value of TOML or JSON into one of the setting's type. byPlugin: a default, which may already have the form that the
// plugin gets.
func convert(s *pb.Setting, v any, byPlugin bool) (any, error) {
	wrong := func(what string) error {
		return fmt.Errorf("%s is not %s; write %s", show(s, v), what, example(s))
	}
	switch s.GetType() {
	case pb.SettingType_STRING:
		text, ok := v.(string)
		if !ok {
			return nil, wrong("a text")
		}
		return text, checkText(s, text)
	case pb.SettingType_INTEGER:
		if n, ok := integer(v); ok {
			return n, nil
		}
		return nil, wrong("a whole number")
	case pb.SettingType_BOOLEAN:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, wrong("true or false")
	case pb.SettingType_DURATION:
		if text, ok := v.(string); ok {
			if d, err := time.ParseDuration(text); err == nil && d >= 0 {
				return int64(d), nil
			}
		}
		if n, ok := integer(v); ok && (byPlugin || n == 0) {
			return n, nil
		}
		return nil, wrong(`a duration such as "30s", "5m" or "1h30m"`)
	case pb.SettingType_SIZE:
		if text, ok := v.(string); ok {
			if n, err := parseSize(text); err == nil {
				return n, nil
			}
		}
		if n, ok := integer(v); ok && n >= 0 {
			return n, nil
		}
		return nil, wrong(`a number of bytes such as "64KB" or "1MiB"`)
	case pb.SettingType_STRINGS:
		return convertList(s, v, wrong)
	case pb.SettingType_STRING_MAP:
		return convertMap(s, v, wrong)
	}
	return nil, fmt.Errorf("type %v is not known to this clove", s.GetType())
}

func convertList(s *pb.Setting, v any, wrong func(string) error) (any, error) {
	var texts []string
	switch v := v.(type) {
	case []string:
		texts = slices.Clone(v)
	case []any:
		texts = make([]string, 0, len(v))
		for _, e := range v {
			text, ok := e.(string)
			if !ok {
				return nil, wrong("a list of texts")
			}
			texts = append(texts, text)
		}
	default:
		return nil, wrong("a list of texts")
	}
	if len(texts) > maxValues {
		return nil, fmt.Errorf("it has %d values; at most %d are possible", len(texts), maxValues)
	}
	var err error
	for _, text := range texts {
		err = errors.Join(err, checkText(s, text))
	}
	return texts, err
}

func convertMap(s *pb.Setting, v any, wrong func(string) error) (any, error) {
	texts := map[string]string{}
	switch v := v.(type) {
	case map[string]string:
		texts = maps.Clone(v)
	case map[string]any:
		for k, e := range v {
			text, ok := e.(string)
			if !ok {
				return nil, wrong("a table of texts")
			}
			texts[k] = text
		}
	default:
		return nil, wrong("a table of texts")
	}
	if len(texts) > maxValues {
		return nil, fmt.Errorf("it has %d values; at most %d are possible", len(texts), maxValues)
	}
	var err error
	for k, text := range texts {
		err = errors.Join(err, checkText(s, text))
		if len(k) > maxName {
			err = errors.Join(err, fmt.Errorf("its key %q is longer than %d bytes", printable(k, maxName), maxName))
		}
	}
	return texts, err
}

func checkText(s *pb.Setting, text string) error {
	switch {
	case len(text) > maxValue:
		return fmt.Errorf("it has %d bytes; at most %d are possible", len(text), maxValue)
	case strings.ContainsRune(text, 0):
		return errors.New("it has a zero byte in it")
	case len(s.GetChoices()) > 0 && !slices.Contains(s.GetChoices(), text):
		hint := ""
		if near := nearest(text, s.GetChoices()); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return fmt.Errorf("%s is none of %s%s", show(s, text), strings.Join(s.GetChoices(), ", "), hint)
	}
	return nil
}

// show is a value in an error.
func show(s *pb.Setting, v any) string {
	if s.GetKind() == pb.SettingKind_SECRET {
		return "the value"
	}
	return printable(fmt.Sprintf("%#v", v), 80)
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) <= 1<<53 {
			return int64(v), true
		}
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	}
	return 0, false
}

var sizeUnits = []struct {
	name  string
	bytes float64
}{{"GIB", 1 << 30}, {"MIB", 1 << 20}, {"KIB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}, {"", 1}}

// parseSize reads bytes: KB, MB, GB count in thousands, KiB, MiB, GiB in 1024s.
func parseSize(s string) (int64, error) {
	text := strings.ToUpper(strings.TrimSpace(s))
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		number = strings.TrimSpace(number)
		f, err := strconv.ParseFloat(number, 64)
		f *= u.bytes
		if err != nil || strings.ContainsAny(number, "XPINE_+-") || f < 0 || f >= math.MaxInt64/2 || f != math.Trunc(f) {
			break
		}
		return int64(f), nil
	}
	return 0, errors.New("not a size")
}

// shown are settings for people: secrets are covered.
func shown(t *pb.TunnelType, settings map[string]any) map[string]any {
	out := maps.Clone(settings)
	for _, s := range t.GetSettings() {
		v, ok := out[s.GetKey()]
		if !ok {
			continue
		}
		switch n, isNumber := v.(int64); {
		case s.GetKind() == pb.SettingKind_SECRET:
			out[s.GetKey()] = "***"
		case isNumber && s.GetType() == pb.SettingType_DURATION:
			out[s.GetKey()] = time.Duration(n).String()
		}
	}
	return out
}
