package config

import (
	_ "embed"
	"strings"
)

//go:embed example.toml
var example string

// Example is a configuration file with every setting at its default, as comments.
func Example() string { return example }

// uncommented is the example with its settings in effect: "#key = value" is a setting, "# text" a comment.
func uncommented() string {
	var b strings.Builder
	for line := range strings.Lines(example) {
		if len(line) > 1 && line[0] == '#' && line[1] != ' ' && line[1] != '\n' {
			line = line[1:]
		}
		b.WriteString(line)
	}
	return b.String()
}
