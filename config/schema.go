package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// delim joins the parts of a key for koanf. It cannot occur in a TOML key as people write them, while a dot can, in
// quotes; people see dots.
const delim = "\x1f"

func shown(key string) string    { return strings.ReplaceAll(key, delim, ".") }
func internal(key string) string { return strings.ReplaceAll(key, ".", delim) }

// A schema knows which keys there are.
type schema struct {
	leaves   map[string]reflect.Type // settings
	sections map[string]bool
}

// later are keys of sections that are designed and not there yet.
var later = map[string]string{
	"tunnels":                   "[tunnels.NAME] sections",
	"plugins":                   "[plugins.NAME] sections",
	"proxies" + delim + "rules": "[[proxies.rules]]",
}

func newSchema() schema {
	s := schema{leaves: map[string]reflect.Type{}, sections: map[string]bool{}}
	walk(reflect.ValueOf(Default()), "", func(key string, v reflect.Value, leaf bool) {
		if leaf {
			s.leaves[key] = v.Type()
		} else {
			s.sections[key] = true
		}
	})
	return s
}

// walk visits the sections and settings of a struct in their order.
func walk(v reflect.Value, prefix string, visit func(key string, v reflect.Value, leaf bool)) {
	for i := range v.NumField() {
		key := prefix + v.Type().Field(i).Tag.Get("koanf")
		field := v.Field(i)
		leaf := field.Kind() != reflect.Struct
		visit(key, field, leaf)
		if !leaf {
			walk(field, key+delim, visit)
		}
	}
}

// flat is the settings of c by key.
func (c Config) flat() map[string]any {
	m := map[string]any{}
	walk(reflect.ValueOf(c), "", func(key string, v reflect.Value, leaf bool) {
		if leaf {
			m[key] = v.Interface()
		}
	})
	return m
}

// nearest is the key that looks most like an unknown one, or nothing.
func (s schema) nearest(key string) string {
	best, distance := "", len(key)/3+1
	names := append(slices.Sorted(maps.Keys(s.leaves)), slices.Sorted(maps.Keys(s.sections))...)
	for _, name := range names {
		if d := editDistance(key, name); d < distance {
			best, distance = name, d
		}
	}
	if best != "" {
		return best
	}
	// A setting in the wrong section, or with half of its name.
	last := key[strings.LastIndex(key, delim)+1:]
	for _, name := range names {
		if strings.HasSuffix(name, delim+last) {
			return name
		}
	}
	return ""
}

// editDistance is the number of bytes to insert, remove or replace between a and b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
