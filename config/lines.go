package config

import (
	"bytes"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// lines finds the lines of the keys and sections of a TOML document that parses. koanf's parser does not tell.
func lines(doc []byte) map[string]int {
	at := map[string]int{}
	var p unstable.Parser
	p.Reset(doc)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		key, line := keyOf(doc, e.Key())
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = key + delim
			note(at, key, line)
		case unstable.KeyValue:
			note(at, table+key, line)
			inline(doc, e.Value(), table+key, line, at)
		}
	}
	return at
}

// inline notes the keys of an inline table.
func inline(doc []byte, value *unstable.Node, key string, line int, at map[string]int) {
	if value.Kind != unstable.InlineTable {
		return
	}
	for it := value.Children(); it.Next(); {
		child := it.Node()
		name, _ := keyOf(doc, child.Key())
		note(at, key+delim+name, line)
		inline(doc, child.Value(), key+delim+name, line, at)
	}
}

// note records the first line of a key and of the sections that it implies.
func note(at map[string]int, key string, line int) {
	for {
		if _, ok := at[key]; !ok {
			at[key] = line
		}
		i := strings.LastIndex(key, delim)
		if i < 0 {
			return
		}
		key = key[:i]
	}
}

func keyOf(doc []byte, it unstable.Iterator) (key string, line int) {
	var parts []string
	for it.Next() {
		n := it.Node()
		if len(parts) == 0 {
			line = 1 + bytes.Count(doc[:n.Raw.Offset], []byte("\n"))
		}
		parts = append(parts, string(n.Data))
	}
	return strings.Join(parts, delim), line
}
