package nat_test

import (
	"slices"
	"testing"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/nat"
)

// FuzzIntroducersOf reads the options ih, itag and iexp that others publish: at most three introducers, none without a tag and none
// whose time is over. What was read and has an end is the same when it is published and read again.
func FuzzIntroducersOf(f *testing.F) {
	hash := i2p.Hash{1, 2, 3}.String()
	f.Add(hash, "1", "1000000001", hash, "4294967295", "", "", "", "")
	f.Add(hash, "0", "1000000001", hash[:43], "7", "1000000000", "x", "-1", "-1")
	f.Add(hash, "4294967296", "4294967296", hash, "+1", "4294967295", hash, "1", "0x7")
	f.Fuzz(func(t *testing.T, ih0, itag0, iexp0, ih1, itag1, iexp1, ih2, itag2, iexp2 string) {
		now := time.Unix(1e9, 0)
		read := func(options map[string]string) ([]nat.Introducer, bool) {
			a, err := i2p.NewRouterAddress(5, "SSU2", options)
			return nat.IntroducersOf(a, now), err == nil
		}
		options := map[string]string{
			"ih0": ih0, "itag0": itag0, "iexp0": iexp0, "ih1": ih1, "itag1": itag1, "iexp1": iexp1, "ih2": ih2, "itag2": itag2, "iexp2": iexp2,
		}
		list, ok := read(options)
		if !ok {
			return
		}
		if len(list) > nat.MaxIntroducers {
			t.Fatalf("%d introducers", len(list))
		}
		var ending []nat.Introducer
		for _, in := range list {
			if in.Tag == 0 || !in.Expires.IsZero() && !in.Expires.After(now) || !slices.ContainsFunc([]string{ih0, ih1, ih2}, func(s string) bool {
				h, err := i2p.ParseHash(s)
				return err == nil && h == in.Router
			}) {
				t.Fatalf("%+v", in)
			}
			if !in.Expires.IsZero() {
				ending = append(ending, in)
			}
		}
		again := map[string]string{}
		nat.PublishIntroducers(again, ending)
		if got, ok := read(again); !ok || !slices.Equal(got, ending) {
			t.Fatalf("%+v, not %+v", got, ending)
		}
	})
}
