package config

import (
	"fmt"
	"strings"
)

// A Layer is one of the sources of settings, in the order of their precedence.
type Layer int

// Layers; a later one wins.
const (
	LayerDefault Layer = iota
	LayerFile
	LayerEnvironment
	LayerFlag
)

func (l Layer) String() string {
	return [...]string{"default", "file", "environment", "flag"}[l]
}

// An Origin tells where a setting comes from.
type Origin struct {
	Layer Layer
	// Name is the file, the environment variable or the flag.
	Name string
	// Line in the file; 0 where it is not known.
	Line int
}

// String is "default", "clove.toml:12", "CLOVE_LOG__LEVEL" or "--log-level".
func (o Origin) String() string {
	switch {
	case o.Layer == LayerDefault:
		return "default"
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.Name, o.Line)
	}
	return o.Name
}

// An Error is what is wrong with one key.
type Error struct {
	Key    string // with dots
	Origin Origin
	Err    error
}

func (e *Error) Error() string {
	if e.Origin.Layer == LayerDefault {
		return fmt.Sprintf("%s: %v", e.Key, e.Err)
	}
	return fmt.Sprintf("%v: %s: %v", e.Origin, e.Key, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Errors are all that is wrong with a configuration.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes each of them reachable to errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, one := range e {
		errs[i] = one
	}
	return errs
}

// err is nil without errors.
func (e Errors) err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}
