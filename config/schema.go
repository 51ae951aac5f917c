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

// anyName stands for the name of a plugin or a tunnel in a schema, and for the settings of a tunnel, which its plugin knows.
const anyName = "*"

var anyType = reflect.TypeFor[any]()

func newSchema() schema {
	s := schema{leaves: map[string]reflect.Type{}, sections: map[string]bool{}}
	walk(reflect.ValueOf(Default()), "", func(key string, v reflect.Value, leaf bool) {
		switch {
		case !leaf:
			s.sections[key] = true
		case v.Kind() == reflect.Map:
			s.table(key, v.Type().Elem())
		default:
			s.leaves[key] = v.Type()
		}
	})
	return s
}

// table adds a section of named sections.
func (s schema) table(key string, element reflect.Type) {
	one := key + delim + anyName
	s.sections[key], s.sections[one] = true, true
	if element.Kind() == reflect.Map {
		s.leaves[one+delim+anyName] = anyType
		return
	}
	for f := range element.Fields() {
		s.leaves[one+delim+f.Tag.Get("koanf")] = f.Type
	}
}

// leaf is the type of a setting.
func (s schema) leaf(key string) (reflect.Type, bool) {
	for _, pattern := range patterns(key) {
		if t, ok := s.leaves[pattern]; ok {
			return t, true
		}
	}
	return nil, false
}

func (s schema) section(key string) bool {
	for _, pattern := range patterns(key) {
		if s.sections[pattern] {
			return true
		}
	}
	return false
}

// patterns are the forms in which a schema may hold a key: as it is, with any name in it, or at its end.
func patterns(key string) []string {
	parts := strings.Split(key, delim)
	if len(parts) < 2 {
		return []string{key}
	}
	named := slices.Clone(parts)
	named[1] = anyName
	out := []string{key, strings.Join(named, delim)}
	if len(parts) == 3 {
		named[2] = anyName
		out = append(out, strings.Join(named, delim))
	}
	return out
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
		switch {
		case leaf && v.Kind() == reflect.Map:
			flatTable(key, v, m)
		case leaf:
			m[key] = v.Interface()
		}
	})
	return m
}

// flatTable adds the settings of a section of named sections.
func flatTable(key string, table reflect.Value, m map[string]any) {
	for _, name := range table.MapKeys() {
		prefix, element := key+delim+name.String()+delim, table.MapIndex(name)
		if element.Kind() == reflect.Map {
			for _, k := range element.MapKeys() {
				m[prefix+k.String()] = element.MapIndex(k).Interface()
			}
			continue
		}
		walk(element, prefix, func(key string, v reflect.Value, _ bool) { m[key] = v.Interface() })
	}
}

// nearest is the key that looks most like an unknown one, or nothing.
func (s schema) nearest(key string) string {
	best, distance := "", len(key)/3+1
	names := append(slices.Sorted(maps.Keys(s.leaves)), slices.Sorted(maps.Keys(s.sections))...)
	for i, name := range names {
		if name = named(name, key); strings.Contains(name, anyName) {
			continue
		}
		names[i] = name
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
		if strings.HasSuffix(name, delim+last) && !strings.Contains(name, anyName) {
			return name
		}
	}
	return ""
}

// named puts the name of the plugin or tunnel that a key has into a pattern.
func named(pattern, key string) string {
	p, k := strings.Split(pattern, delim), strings.Split(key, delim)
	if len(p) > 1 && len(k) > 1 && p[1] == anyName && p[0] == k[0] {
		p[1] = k[1]
	}
	return strings.Join(p, delim)
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
