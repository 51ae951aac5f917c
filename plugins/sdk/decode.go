package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"clove.i2p/plugins/api/pb"
)

func (t Type[S]) describe() (*pb.TunnelType, error) {
	switch {
	case !namePattern.MatchString(t.Name):
		return nil, fmt.Errorf("tunnel type %q: names are lower-case letters, digits and -", t.Name)
	case t.Run == nil:
		return nil, fmt.Errorf("tunnel type %q has no Run", t.Name)
	}
	fields, err := schemaOf(reflect.TypeFor[S]())
	if err != nil {
		return nil, fmt.Errorf("tunnel type %q: %w", t.Name, err)
	}
	d := &pb.TunnelType{Name: t.Name, Summary: t.Summary, Destination: t.Destination, Protocol: t.Protocol}
	for _, f := range fields {
		d.Settings = append(d.Settings, f.Setting)
	}
	return d, nil
}

// decode turns the host's JSON into an S and validates it.
func (t Type[S]) decode(raw []byte) (any, []Problem) {
	var s S
	fields, err := schemaOf(reflect.TypeFor[S]())
	if err != nil {
		return nil, []Problem{{Text: err.Error()}}
	}
	problems := decodeSettings(reflect.ValueOf(&s).Elem(), fields, raw)
	if len(problems) == 0 && t.Validate != nil {
		problems = t.Validate(s)
	}
	return s, problems
}

func decodeSettings(to reflect.Value, fields []field, raw []byte) []Problem {
	var object map[string]json.RawMessage
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return []Problem{{Text: "the settings are not a JSON object"}}
	}
	var problems []Problem
	for _, f := range fields {
		value, given := object[f.Key]
		delete(object, f.Key)
		if !given || string(value) == "null" {
			value = json.RawMessage(f.DefaultJson)
		}
		v := to.FieldByIndex(f.index)
		if len(value) > 0 {
			if err := f.set(v, value); err != nil {
				problems = append(problems, Problem{f.Key, err.Error()})
				continue
			}
		}
		if f.Required && isEmpty(v) {
			problems = append(problems, Problem{f.Key, strings.TrimSuffix("is required: "+f.Help, ": ")})
		}
	}
	for key := range object {
		problems = append(problems, Problem{key, "is no setting of this tunnel type" + nearest(key, fields)})
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return problems
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return false // a number or bool that is there is given
}

// set decodes one value. Durations and sizes are numbers, as the host sends them, or text, as people write them.
func (s *field) set(v reflect.Value, raw []byte) error {
	var text string
	isText := json.Unmarshal(raw, &text) == nil && raw[0] == '"'
	switch s.Type {
	case pb.SettingType_DURATION:
		if isText {
			d, err := time.ParseDuration(text)
			if err != nil {
				return fmt.Errorf("%q is not a time like \"30s\" or \"10m\"", text)
			}
			v.SetInt(int64(d))
			return nil
		}
		return setInteger(v, raw, "a time like \"30s\" or \"10m\"")
	case pb.SettingType_SIZE:
		if isText {
			size, err := ParseSize(text)
			if err != nil {
				return err
			}
			v.SetInt(int64(size))
			return nil
		}
		return setInteger(v, raw, "a size like \"64KB\"")
	case pb.SettingType_INTEGER:
		return setInteger(v, raw, "a whole number")
	case pb.SettingType_BOOLEAN:
		switch string(raw) {
		case "true", "false":
			v.SetBool(raw[0] == 't')
			return nil
		}
		return fmt.Errorf("%s is not true or false", raw)
	case pb.SettingType_STRING:
		if !isText {
			return fmt.Errorf("%s is not a string", raw)
		}
		if len(s.Choices) > 0 && !slices.Contains(s.Choices, text) {
			return fmt.Errorf("%q: want one of %s", text, strings.Join(s.Choices, ", "))
		}
		v.SetString(text)
		return nil
	case pb.SettingType_STRINGS:
		var list []*string
		if json.Unmarshal(raw, &list) != nil || slices.Contains(list, nil) {
			return fmt.Errorf("%s is not a list of strings", raw)
		}
		values := make([]string, len(list))
		for i, text := range list {
			values[i] = *text
		}
		v.Set(reflect.ValueOf(values))
		return nil
	case pb.SettingType_STRING_MAP:
		var table map[string]*string
		if json.Unmarshal(raw, &table) != nil {
			return fmt.Errorf("%s is not a table of strings", raw)
		}
		values := make(map[string]string, len(table))
		for key, text := range table {
			if text == nil {
				return fmt.Errorf("%s is not a table of strings", raw)
			}
			values[key] = *text
		}
		v.Set(reflect.ValueOf(values))
		return nil
	}
	return fmt.Errorf("type %v", s.Type)
}

func setInteger(v reflect.Value, raw []byte, want string) error {
	if v.CanUint() {
		n, err := strconv.ParseUint(string(raw), 10, 64)
		if err != nil || v.OverflowUint(n) {
			return fmt.Errorf("%s is not %s from 0 to %d", raw, want, uint64(1)<<(v.Type().Bits()-1)*2-1)
		}
		v.SetUint(n)
		return nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || v.OverflowInt(n) {
		return fmt.Errorf("%s is not %s", raw, want)
	}
	v.SetInt(n)
	return nil
}

// nearest names the key that was perhaps meant: the one with the longest common beginning.
func nearest(key string, fields []field) string {
	best, length := "", 2
	for _, f := range fields {
		n := 0
		for n < len(key) && n < len(f.Key) && key[n] == f.Key[n] {
			n++
		}
		if n > length {
			best, length = f.Key, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
