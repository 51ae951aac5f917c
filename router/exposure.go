package router

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clove.i2p/router/i2p"
)

// exposureFile tells, beside the keys, how the router of these keys showed itself: one word.
const exposureFile = "router.exposure"

// An exposure is who learns which address a router of these keys has: everybody by the netDb, the routers that it connects to, or
// those that learn the address of the proxy.
type exposure string

const (
	public  exposure = "public"
	hidden  exposure = "hidden"
	proxied exposure = "upstream"
)

func (c Config) exposure() exposure {
	switch {
	case c.Upstream != "":
		return proxied
	case c.Hidden:
		return hidden
	}
	return public
}

// renew takes the keys of a router away that showed itself otherwise before: whoever hides would be known at once by a hash that
// the netDb ties to his address, and whoever shows himself would be known for what he did while he hid. They are gone
// for good, as nothing may use them again.
func renew(dir string, now exposure) (renewed bool, err error) {
	before, err := exposed(dir, now)
	if err != nil {
		return false, err
	}
	if renewed = before != now; renewed {
		for _, name := range []string{"router.keys", "ntcp2.keys", "ssu2.keys", "router.info"} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false, fmt.Errorf("router: remove the keys of before: %w", err)
			}
		}
	}
	return renewed, writeFile(filepath.Join(dir, exposureFile), []byte(string(now)+"\n"))
}

// exposed is how the router was before; as now where nothing tells. Without the file, which clove did not always write, the
// RouterInfo tells whether it was to be found, and whether it hid: with a proxy or without one, that is.
func exposed(dir string, now exposure) (exposure, error) {
	b, err := os.ReadFile(filepath.Join(dir, exposureFile))
	if err == nil {
		return exposure(strings.TrimSpace(string(b))), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return now, fmt.Errorf("router: %w", err)
	}
	if b, err = os.ReadFile(filepath.Join(dir, "router.info")); err != nil {
		return now, nil
	}
	switch ri, _, err := i2p.ParseRouterInfo(b); {
	case err != nil:
	case slices.ContainsFunc(ri.Addresses(), findable):
		return public, nil
	case now == public && strings.Contains(ri.Caps(), "H"):
		return hidden, nil
	}
	return now, nil
}

// findable reports whether an address leads to the router: it says where it is, or which introducers know that.
func findable(a i2p.RouterAddress) bool { return a.Host().IsValid() || a.Options.Get("ih0") != "" }
