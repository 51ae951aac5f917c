package http

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/proxies"
)

// The example of RFC 7616, section 3.9.1.
const rfcDigest = `username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=ALGORITHM, ` +
	`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", ` +
	`qop=auth, response="RESPONSE", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`

var rfcResponses = map[proxies.Algorithm][2]string{ // response, HA1
	proxies.MD5:    {"8ca523f5e9506fed4657c9700eebdbec", "3d78807defe7de2157e2b0b6573a855f"},
	proxies.SHA256: {"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"},
}

func rfc(a proxies.Algorithm, response string) string {
	return strings.NewReplacer("ALGORITHM", string(a), "RESPONSE", response).Replace(rfcDigest)
}

func TestDigestOfTheSpecification(t *testing.T) {
	for a, v := range rfcResponses {
		d, err := parseDigest(rfc(a, v[0]))
		if err != nil {
			t.Fatal(err)
		}
		if !d.fits(v[1], "GET") {
			t.Errorf("%s does not fit", a)
		}
		if d.fits(v[1], "POST") || d.fits(strings.Repeat("0", len(v[1])), "GET") {
			t.Errorf("%s fits what it should not", a)
		}
		if d.user != "Mufasa" || d.realm != "http-auth@example.org" || d.nc != 1 || d.algorithm != a {
			t.Errorf("%+v", d)
		}
	}
}

func TestMalformedDigests(t *testing.T) {
	good := rfc(proxies.MD5, rfcResponses[proxies.MD5][0])
	for name, in := range map[string]string{
		"empty":             "",
		"twice":             good + `, username="x"`,
		"twice, other case": good + `, UserName="x"`,
		"open quote":        good + `, x="`,
		"no comma":          strings.Replace(good, `", realm`, `" realm`, 1),
		"no equals":         good + ", x",
		"no user":           strings.Replace(good, `"Mufasa"`, `""`, 1),
		"no qop":            strings.Replace(good, "qop=auth", "x=y", 1),
		"auth-int":          strings.Replace(good, "qop=auth", "qop=auth-int", 1),
		"session":           strings.Replace(good, "=MD5", "=MD5-sess", 1),
		"nc 0":              strings.Replace(good, "nc=00000001", "nc=00000000", 1),
		"nc short":          strings.Replace(good, "nc=00000001", "nc=1", 1),
		"nc signed":         strings.Replace(good, "nc=00000001", "nc=+0000001", 1),
		"response short":    rfc(proxies.MD5, "8c"),
		"response of other": rfc(proxies.SHA256, rfcResponses[proxies.MD5][0]),
		"not hex":           rfc(proxies.MD5, strings.Repeat("x", 32)),
		"user hash":         good + ", userhash=true",
		"both users":        good + ", username*=UTF-8''x",
		"too long":          good + `, x="` + strings.Repeat("a", 10<<10) + `"`,
		"too many":          good + strings.Repeat(", ", 10) + manyParams(),
		"extended":          strings.Replace(good, `username="Mufasa"`, "username*=latin1''x", 1),
		"extended, not one": strings.Replace(good, `username="Mufasa"`, "username*=x", 1),
		"extended, invalid": strings.Replace(good, `username="Mufasa"`, "username*=UTF-8''%ff", 1),
	} {
		if d, err := parseDigest(in); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
	for in, user := range map[string]string{
		strings.Replace(good, `"Mufasa"`, `"a\"b\\c"`, 1):                             `a"b\c`,
		strings.Replace(good, `"Mufasa"`, "token", 1):                                 "token",
		strings.Replace(good, `username="Mufasa"`, "username*=UTF-8''J%C3%BCrgen", 1): "Jürgen",
		" , ,\t" + good + " , ":                                                       "Mufasa",
		strings.Replace(good, "algorithm=MD5, ", "", 1):                               "Mufasa",
		strings.Replace(good, "algorithm=MD5", `algorithm = "md5"`, 1):                "Mufasa",
	} {
		if d, err := parseDigest(in); err != nil || d.user != user {
			t.Errorf("%s: %+v, %v", in, d, err)
		}
	}
}

func manyParams() string {
	var b strings.Builder
	for i := range 30 {
		b.WriteString(", p" + string(rune('a'+i)) + "=1")
	}
	return b.String()
}

func TestDigestIsForItsRequest(t *testing.T) {
	for _, tt := range []struct {
		uri, target string
		want        bool
	}{
		{"/a?b", "http://x.i2p/a?b", true},
		{"http://x.i2p/a?b", "http://x.i2p/a?b", true},
		{"x.i2p:443", "x.i2p:443", true},
		{"/", "http://x.i2p", true},
		{"/?b", "http://x.i2p?b", true},
		{"/", "http://x.i2p/a", false},
		{"/a", "http://x.i2p/a?b", false},
		{"http://y.i2p/a", "http://x.i2p/a", false},
		{"/", "x.i2p:443", false},
		{"x.i2p:80", "x.i2p:443", false},
	} {
		if got := (&digest{uri: tt.uri}).isFor(tt.target); got != tt.want {
			t.Errorf("%s for %s: %v", tt.uri, tt.target, got)
		}
	}
}

func TestNonceCountsAreGoodOnce(t *testing.T) {
	n := newNonces()
	nonce := n.issue()
	use := func(nc uint32, want bool) {
		t.Helper()
		if n.fresh(nonce, nc) != want {
			t.Errorf("%d: fresh is %v", nc, !want)
		}
		if n.use(nonce, nc) != want {
			t.Errorf("%d: use is %v", nc, !want)
		}
	}
	use(3, true)
	use(1, true) // late
	use(3, false)
	use(1, false)
	use(2, true)
	use(5000, true)
	use(5000-countWindow, false) // too late
	use(5000-countWindow+1, true)
	use(5000-countWindow+1, false)
	use(4999, true)
	use(5001, true)
	use(5000, false)
	use(1<<32-1, true)
	use(5002, false)
	use(1<<32-1, false)
	use(1<<32-2, true)
}

func TestForeignAndOldNoncesAreStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNonces()
		nonce := n.issue()
		if newNonces().fresh(nonce, 1) || n.fresh("", 1) || n.fresh(nonce+"A", 1) || n.fresh("B"+nonce[1:], 1) || n.fresh(nonce[:8], 1) {
			t.Error("a foreign nonce is fresh")
		}
		time.Sleep(nonceLife - time.Second)
		if !n.fresh(nonce, 1) {
			t.Error("stale too early")
		}
		time.Sleep(time.Second)
		if n.fresh(nonce, 1) || n.use(nonce, 1) {
			t.Error("an old nonce is fresh")
		}
	})
}

// A nonce that was forgotten must not come back with its counts unused.
func TestForgottenNoncesCannotBeReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNonces()
		var all []string
		for range 3 * maxNonces {
			time.Sleep(time.Millisecond)
			nonce := n.issue()
			if !n.use(nonce, 1) {
				t.Fatal("a new nonce is refused")
			}
			all = append(all, nonce)
			if len(n.used) > maxNonces {
				t.Fatalf("%d nonces are kept", len(n.used))
			}
		}
		for i, nonce := range all {
			if n.fresh(nonce, 1) || n.use(nonce, 1) {
				t.Fatalf("nonce %d is replayed", i)
			}
		}
		if !n.fresh(all[len(all)-1], 2) {
			t.Error("the newest is stale")
		}
	})
}

// FuzzParseDigest: no panic, and what is accepted is complete.
func FuzzParseDigest(f *testing.F) {
	f.Add(rfc(proxies.MD5, rfcResponses[proxies.MD5][0]))
	f.Add(rfc(proxies.SHA256, rfcResponses[proxies.SHA256][0]))
	f.Add(`username*=UTF-8''J%C3%BCrgen, a="\"", b=c`)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDigest(s)
		if err != nil {
			return
		}
		if d.user == "" || d.nonce == "" || d.uri == "" || d.cnonce == "" || d.nc == 0 || d.qop != "auth" || len(d.response) != 2*d.hash().Size() {
			t.Errorf("%+v", d)
		}
		d.fits("x", "GET")
		d.isFor("http://x.i2p/")
	})
}
