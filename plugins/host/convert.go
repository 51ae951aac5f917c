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
		if len(k) > maxKey {
			err = errors.Join(err, fmt.Errorf("its key %q is longer than %d bytes", printable(k, maxName), maxKey))
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
