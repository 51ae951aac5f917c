package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

var rulesType = reflect.TypeFor[[]Rule]()

// convertRules makes [[proxies.rules]] into Rules. All that is wrong is told at once.
func convertRules(value any) (any, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("want [[proxies.rules]] sections, not %s", kind(value))
	}
	rules, errs := make([]Rule, len(list)), []error(nil)
	for i, e := range list {
		section, ok := e.(map[string]any)
		if !ok {
			errs = append(errs, fmt.Errorf("rule %d: want a [[proxies.rules]] section, not %s", i+1, kind(e)))
			continue
		}
		if err := rules[i].set(section); err != nil {
			errs = append(errs, fmt.Errorf("rule %d: %w", i+1, err))
		}
	}
	return rules, errors.Join(errs...)
}

// set fills a rule from its section. Lists may be written as a single string.
func (r *Rule) set(section map[string]any) error {
	fields, v := map[string]int{}, reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		fields[v.Type().Field(i).Tag.Get("koanf")] = i
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(section)) {
		i, ok := fields[key]
		if !ok {
			errs = append(errs, fmt.Errorf("unknown key %s; a rule has %v", key, slices.Sorted(maps.Keys(fields))))
			continue
		}
		value, f := section[key], v.Field(i)
		if s, ok := value.(string); ok && f.Kind() == reflect.Slice {
			value = []any{s}
		}
		got, err := convert(value, f.Type())
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
			continue
		}
		f.Set(reflect.ValueOf(got))
	}
	return errors.Join(errs...)
}

// checkRules finds what is wrong with the rules for themselves; whether hosts and ports make sense is the proxies' to say.
func (c Config) checkRules() error {
	var errs []error
	for i, r := range c.Proxies.Rules {
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("rule %d: %w", i+1, fmt.Errorf(format, args...)))
		}
		if len(r.Match) == 0 {
			fail(`match is missing: which hosts, "*.example.org" or "*"`)
		}
		if err := oneOf(r.Action, "i2p", "outproxy", "block"); err != nil {
			fail("action: %w", err)
		}
		switch {
		case r.Action == "outproxy" && r.Via == "":
			fail("via is missing: the name of a tunnel of type outproxy-client")
		case r.Action != "outproxy" && r.Via != "":
			fail(`via is for action = "outproxy" only`)
		case r.Via != "" && c.Tunnels[r.Via] == nil:
			fail("via: there is no tunnel %s: add [tunnels.%s] with type = \"outproxy-client\"", r.Via, r.Via)
		}
		if r.Length != nil && between(*r.Length, 0, maxTunnelLength) != nil {
			fail("length: want 0 to %d", maxTunnelLength)
		}
		if r.Quantity != nil && between(*r.Quantity, 1, maxTunnelQuantity) != nil {
			fail("quantity: want 1 to %d", maxTunnelQuantity)
		}
	}
	return errors.Join(errs...)
}
