package host

import (
	"encoding/json"
	"fmt"
	"maps"
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

// Settings are what a plugin gets for the values that a person wrote for a tunnel of its type: see normalize. The error names all that
// is wrong, and wraps ErrSettings.
func Settings(t *pb.TunnelType, values map[string]any) (map[string]any, error) {
	out, problems := normalize(t, values)
	if len(problems) > 0 {
		return nil, settingsError(problems)
	}
	return out, nil
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
