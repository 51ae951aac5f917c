package filter_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"clove.i2p/plugins/irc/filter"
)

// lines reads all; an over-long line is "LONG".
func lines(r io.Reader) (all []string, err error) {
	fr := filter.NewReader(r)
	for {
		line, err := fr.Next()
		switch {
		case errors.Is(err, filter.ErrTooLong):
			all = append(all, "LONG")
		case err != nil:
			return all, err
		default:
			all = append(all, string(line))
		}
	}
}

func TestReaderEndsLinesAtCRAndLF(t *testing.T) {
	long := strings.Repeat("x", 20_000)
	for text, want := range map[string][]string{
		"a\r\nb\nc\rd\r\n":                       {"a", "b", "c", "d"},
		"\r\n\n\ra\n\n":                          {"a"},
		"a\nno end":                              {"a"},
		"a\n" + long + "\nb\n":                   {"a", "LONG", "b"},
		"a\n" + long + "\r\n" + long + "\nb\r\n": {"a", "LONG", "LONG", "b"},
		"":                                       nil,
	} {
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
			got, err := lines(r)
			if !slices.Equal(got, want) || !errors.Is(err, io.EOF) {
				t.Errorf("%.30q: %q, %v; want %q", text, got, err, want)
			}
		}
	}
}

func TestReaderGivesUpOnALineWithoutEnd(t *testing.T) {
	if _, err := lines(strings.NewReader(strings.Repeat("x", 1<<20))); !errors.Is(err, filter.ErrFlood) {
		t.Errorf("got %v", err)
	}
}

func TestReaderKnowsWhatIsBuffered(t *testing.T) {
	r := filter.NewReader(strings.NewReader("a\r\nb\r\n"))
	for _, want := range []bool{true, false} {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if r.Buffered() != want {
			t.Errorf("Buffered is %v", !want)
		}
	}
	r = filter.NewReader(strings.NewReader("a\r\nb\nc"))
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if got := string(r.Rest()); got != "b\nc" {
		t.Errorf("the rest is %q", got)
	}
}
