package config

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

var durationType = reflect.TypeFor[time.Duration]()

// convert makes a value of the file into one of type t. The types have to fit: a number in quotes is no number.
func convert(value any, t reflect.Type) (any, error) {
	if t.Kind() == reflect.Pointer {
		v, err := convert(value, t.Elem())
		return pointer(v), err
	}
	if _, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler); ok {
		switch v := value.(type) {
		case string:
			return parse(v, t)
		case bool, int64:
			return parse(fmt.Sprint(v), t) // floodfill = true, inbound = 1000000
		}
		return nil, fmt.Errorf("want a string, not %s", kind(value))
	}
	switch {
	case t == durationType:
		if s, ok := value.(string); ok {
			return parse(s, t)
		}
		return nil, fmt.Errorf(`want a duration with its unit, like "90s" or "5m", not %s`, kind(value))
	case t == anyType:
		return value, nil
	case t == rulesType:
		return convertRules(value)
	case t.Kind() == reflect.Slice:
		return convertList(value)
	case t.Kind() == reflect.Int:
		if n, ok := value.(int64); ok && int64(int(n)) == n {
			return int(n), nil
		}
		return nil, fmt.Errorf("want a number, not %s", kind(value))
	case t.Kind() == reflect.Bool:
		if b, ok := value.(bool); ok {
			return b, nil
		}
		return nil, fmt.Errorf("want true or false, not %s", kind(value))
	}
	if s, ok := value.(string); ok {
		return s, nil
	}
	return nil, fmt.Errorf("want a string in quotes, not %s", kind(value))
}

func convertList(value any) (any, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf(`want a list, like ["a", "b"], not %s`, kind(value))
	}
	out := make([]string, len(list))
	for i, e := range list {
		if out[i], ok = e.(string); !ok {
			return nil, fmt.Errorf("want strings in the list, not %s", kind(e))
		}
	}
	return out, nil
}

// pointer makes a pointer to v, of the type that it has.
func pointer(v any) any {
	if v == nil {
		return nil
	}
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	return p.Interface()
}

// parseAny makes the text of an environment variable or a flag into the TOML value that it looks like, or a string.
func parseAny(s string) any {
	var doc struct{ V any }
	if err := toml.Unmarshal([]byte("V = "+s), &doc); err == nil && doc.V != nil {
		return doc.V
	}
	return s
}

// kind names what stands in the file.
func kind(value any) string {
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case map[string]any:
		return "a section"
	case []any:
		return "a list"
	default:
		return fmt.Sprint(v)
	}
}

// parse makes the text of an environment variable or a flag into a value of type t. Lists are separated by commas.
func parse(s string, t reflect.Type) (any, error) {
	if t.Kind() == reflect.Pointer {
		v, err := parse(s, t.Elem())
		return pointer(v), err
	}
	p := reflect.New(t)
	if u, ok := p.Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(s)); err != nil {
			return nil, err
		}
		return p.Elem().Interface(), nil
	}
	switch {
	case t == durationType:
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, fmt.Errorf(`want a duration with its unit, like "90s" or "5m", not %q`, s)
		}
		return d, nil
	case t == anyType:
		return parseAny(s), nil
	case t == rulesType:
		return nil, errors.New("rules can be set in the file only")
	case t.Kind() == reflect.Slice:
		list := []string{}
		for e := range strings.SplitSeq(s, ",") {
			if e = strings.TrimSpace(e); e != "" {
				list = append(list, e)
			}
		}
		return list, nil
	case t.Kind() == reflect.Int:
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("want a number, not %q", s)
		}
		return n, nil
	case t.Kind() == reflect.Bool:
		switch strings.ToLower(s) {
		case "true", "1", "yes", "on":
			return true, nil
		case "false", "0", "no", "off":
			return false, nil
		}
		return nil, fmt.Errorf("want true or false, not %q", s)
	case t.Kind() == reflect.String:
		return s, nil
	}
	return nil, errors.New("has a type that no text can give")
}

// text is a value as parse takes it.
func text(value any) string {
	switch v := value.(type) {
	case encoding.TextMarshaler:
		b, _ := v.MarshalText()
		return string(b)
	case []string:
		return strings.Join(v, ",")
	case []any, map[string]any, []Rule:
		b, _ := json.Marshal(v)
		return string(b)
	default:
		if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return ""
			}
			return text(v.Elem().Interface())
		}
		return fmt.Sprint(v)
	}
}
