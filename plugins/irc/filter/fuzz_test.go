package filter_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"clove.i2p/plugins/irc/filter"
)

var seeds = []string{
	"NICK a\r\nUSER a b c :d\r\nCAP LS 302\r\nCAP REQ :sasl x\r\nJOIN #a\r\nPRIVMSG #a :\x01ACTION x\x01\r\nQUIT :bye\r\n",
	"@a=b;+typing=active;time=1 :n!u@h PRIVMSG me :\x01DCC SEND \"a b\" " + theirs + " 5000 10 7\x01\r\n",
	":n!u@h PRIVMSG me :\x01DCC SEND f 134744072 5000 10\x01\n:n NOTICE me :\x01VERSION\x01\rPING :a\nPONG :a\n",
	":s CAP * LS * :multi-prefix sts=port=1\r\n:s 010 me h 1\r\n:s 433 * a :x\r\nERROR :x\r\nPONG\nPING a b\n",
	"PRIVMSG a :\x01DCC CHAT chat 1 5000\x01\nPRIVMSG a :\x01DCC RESUME f 5000 1\x01\nPART #a,#b c\nPART :a b\nPING 1 2 3\nSTARTTLS\n",
	"PRIVMSG a :\x01DCC ACCEPT f 5000 1\x01\nNOTICE a :DCC Send f (1.2.3.4)\nUSER a\nAUTHENTICATE +\n\x00\n  \n:\n@\n",
}

// run sends text through a fresh session and returns what leaves.
func run(t *testing.T, cfg filter.Config, d filter.Direction, text []byte) []byte {
	s := filter.New(cfg)
	r := filter.NewReader(bytes.NewReader(text))
	var all []byte
	for {
		line, err := r.Next()
		var v filter.Verdict
		switch {
		case errors.Is(err, filter.ErrTooLong):
			v = s.TooLong(d)
		case err != nil:
			return all
		case d == filter.Outbound:
			v = s.Outbound(t.Context(), line)
		default:
			v = s.Inbound(t.Context(), line)
		}
		check(t, v.Forward)
		check(t, v.Reply)
		all = append(all, v.Forward...)
	}
}

// check holds one line, or none, to what must be true of every line.
func check(t *testing.T, line []byte) {
	t.Helper()
	if len(line) == 0 {
		return
	}
	body, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || bytes.ContainsAny(body, "\x00\r\n") {
		t.Fatalf("not one line: %q", line)
	}
	tags := 0
	if body[0] == '@' {
		tags = bytes.IndexByte(body, ' ') + 1
	}
	if tags > 8191 || len(line)-tags > 512 {
		t.Fatalf("%d bytes of tags and %d of the rest: %q", tags, len(line)-tags, line)
	}
	if _, err := filter.Parse(body); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
}

var (
	action = regexp.MustCompile(`^(@\S+ )?(:\S+ )?(PRIVMSG|NOTICE) [^ \x01]+ :\x01ACTION [^\x01]*\x01\r\n$`)
	offer  = regexp.MustCompile(`^(@\S+ )?(:\S+ )?PRIVMSG [^ \x01]+ :\x01X?DCC [^\x01]*\x01\r\n$`)
	// hosts of offers that stay in I2P: the own destination, or none with port 0; the other way the local address.
	safeOut = regexp.MustCompile(`\x01DCC (CHAT chat|SEND ("[^"]+"|[^ "]+)) (` + own + ` \d+|0 0)( \d+)*\x01`)
	safeIn  = regexp.MustCompile(`\x01DCC (CHAT chat|SEND ("[^"]+"|[^ "]+)) (2130706433 \d+|0 0)( \d+)*\x01`)
	noHost  = regexp.MustCompile(`\x01(DCC (RESUME|ACCEPT)|XDCC) `)
)

func fuzz(f *testing.F, d filter.Direction, safe *regexp.Regexp) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		once := run(t, filter.Config{}, d, text)
		for line := range bytes.SplitAfterSeq(once, []byte("\n")) {
			if bytes.ContainsRune(line, 1) && !action.Match(line) {
				t.Fatalf("CTCP %q", line)
			}
			if d == filter.Outbound && len(line) > 0 && (line[0] == '@' || line[0] == ':') {
				t.Fatalf("a prefix or tags of the client: %q", line)
			}
		}
		if twice := run(t, filter.Config{}, d, once); !bytes.Equal(once, twice) {
			t.Fatalf("not idempotent:\n%q\n%q", once, twice)
		}
		for line := range bytes.SplitAfterSeq(run(t, filter.Config{DCC: ports{}}, d, text), []byte("\n")) {
			if bytes.ContainsRune(line, 1) && !action.Match(line) && !offer.Match(line) {
				t.Fatalf("CTCP %q", line)
			}
			if offer.Match(line) && !safe.Match(line) && !noHost.Match(line) {
				t.Fatalf("an offer outside I2P: %q", line)
			}
		}
	})
}

func FuzzOutbound(f *testing.F) { fuzz(f, filter.Outbound, safeOut) }

func FuzzInbound(f *testing.F) { fuzz(f, filter.Inbound, safeIn) }

func FuzzMessage(f *testing.F) {
	for _, s := range seeds {
		for line := range strings.SplitSeq(s, "\n") {
			f.Add([]byte(strings.TrimRight(line, "\r")))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := filter.Parse(line)
		if err != nil {
			return
		}
		written := m.Append(nil)
		again, err := filter.Parse(written)
		if err != nil || !bytes.Equal(again.Append(nil), written) || again.Command != m.Command || !slices.Equal(again.Params, m.Params) {
			t.Fatalf("%q -> %q -> %+v, %v", line, written, again, err)
		}
	})
}

// FuzzReader: however bytes arrive, the lines are the same, and hold no end of a line.
func FuzzReader(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Add([]byte(strings.Repeat("x", 9000) + "\na\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, _ := lines(bytes.NewReader(text))
		parts, _ := lines(iotest.OneByteReader(bytes.NewReader(text)))
		if !slices.Equal(whole, parts) {
			t.Fatalf("%q and %q", whole, parts)
		}
		for _, line := range whole {
			if line == "" || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("line %q", line)
			}
		}
	})
}
