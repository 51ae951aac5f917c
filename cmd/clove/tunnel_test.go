package main

import "testing"

func TestValuesCommandNoTerminal(t *testing.T) {
	for in, want := range map[string]string{"plain \u00fc": "\"plain \u00fc\"", "\u009b2J": `"?2J"`, "\x1b[2J": `"\u001b[2J"`, "\u202eevil": `"?evil"`} {
		if got := value(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
