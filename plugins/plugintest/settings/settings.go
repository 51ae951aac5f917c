// Package settings turns the settings of a tunnel, as a person writes them, into what a plugin gets: defaults filled in, durations
// and sizes as numbers. Tests and the conformance suite use it where clove's own host is not there.
package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/sdk"
)

// Normalize returns all settings of a schema by key, as JSON wants them. Values may be of Go's types or of those of package json.
// What the schema does not know, and values of another type, are errors.
func Normalize(schema []*pb.Setting, values map[string]any) (map[string]any, error) {
	out := map[string]any{}
	left := maps.Clone(values)
	for _, s := range schema {
		v, given := left[s.Key]
		delete(left, s.Key)
		if !given && s.DefaultJson != "" {
			if err := json.Unmarshal([]byte(s.DefaultJson), &v); err != nil {
				return nil, fmt.Errorf("default of %q: %w", s.Key, err)
			}
			given = true
		}
		switch {
		case !given && s.Required:
			return nil, fmt.Errorf("setting %q is required", s.Key)
		case !given:
			continue
		}
		n, err := normalize(s, v)
		if err != nil {
			return nil, fmt.Errorf("setting %q: %w", s.Key, err)
		}
		out[s.Key] = n
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		return nil, fmt.Errorf("there is no setting %q", key)
	}
	return out, nil
}

func normalize(s *pb.Setting, v any) (any, error) {
	switch s.Type {
	case pb.SettingType_DURATION:
		switch v := v.(type) {
		case time.Duration:
			return int64(v), nil
		case string:
			d, err := time.ParseDuration(v)
			return int64(d), err
		}
	case pb.SettingType_SIZE:
		switch v := v.(type) {
		case sdk.Size:
			return int64(v), nil
		case string:
			n, err := sdk.ParseSize(v)
			return int64(n), err
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var to any
	switch s.Type {
	case pb.SettingType_STRING:
		to = new(string)
	case pb.SettingType_BOOLEAN:
		to = new(bool)
	case pb.SettingType_STRINGS:
		to = new([]string)
	case pb.SettingType_STRING_MAP:
		to = new(map[string]string)
	default:
		to = new(int64)
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return nil, fmt.Errorf("%s is no %s", raw, strings.ToLower(s.Type.String()))
	}
	switch to := to.(type) {
	case *string:
		if len(s.Choices) > 0 && !slices.Contains(s.Choices, *to) {
			return nil, fmt.Errorf("%q: want one of %s", *to, strings.Join(s.Choices, ", "))
		}
		return *to, nil
	case *bool:
		return *to, nil
	case *[]string:
		return *to, nil
	case *map[string]string:
		return *to, nil
	case *int64:
		return *to, nil
	}
	return nil, fmt.Errorf("type %v", s.Type)
}
