package router

import (
	"strings"
	"sync/atomic"
	"time"

	"clove.i2p/router/i2p"
)

// A floodfill that comes and goes costs the netDb more than it gives: whoever becomes one of its own accord has been up for
// a while, can be reached, and is well connected. The limits are those of Java I2P, the largest part of the network, so that
// the number of floodfills does not depend on which router people choose.
const (
	floodfillUptime   = 2 * time.Hour
	floodfillChange   = 6 * time.Hour // between two changes of role, but for losing what it cannot do without
	floodfillRouters  = 2000          // known
	floodfillSessions = 200
	floodfillTransit  = 250 // tunnels through us: others do reach and trust us
	floodfillSkew     = 10 * time.Second
	floodfillClasses  = "NOPX" // bandwidth
	floodfillLoad     = 0.8    // of the limit on transit tunnels and bandwidth
)

// fitness is what decides whether this router should be a floodfill.
type fitness struct {
	uptime    time.Duration
	class     byte
	published bool // an IPv4 address that others can dial
	routers   int
	sessions  int
	transit   int
	load      float64
	skew      time.Duration
}

// unfit tells what a floodfill cannot do without and is missing: it stops being one at once. Empty: nothing.
func (f fitness) unfit() string {
	switch {
	case !f.published:
		return "no published IPv4 address"
	case !strings.ContainsRune(floodfillClasses, rune(f.class)):
		return "not enough bandwidth"
	case f.skew.Abs() >= floodfillSkew:
		return "the clock is off"
	case f.load >= floodfillLoad:
		return "too busy"
	}
	return ""
}

// decide says whether the router should be a floodfill, and why not; on and since are what it is and for how long.
func (f fitness) decide(on bool, since time.Duration) (bool, string) {
	if why := f.unfit(); why != "" {
		return false, why
	}
	if on || since < floodfillChange && f.uptime > since {
		return on, "changed not long ago"
	}
	switch {
	case f.uptime < floodfillUptime:
		return false, "not up for long"
	case f.routers < floodfillRouters:
		return false, "knows few routers"
	case f.sessions < floodfillSessions:
		return false, "has few sessions"
	case f.transit < floodfillTransit:
		return false, "has few transit tunnels"
	}
	return true, ""
}

// floodfillRole is whether we are a floodfill now.
type floodfillRole struct {
	on      atomic.Bool
	changed time.Time // zero before the first change; guarded by Router.signing
}

// elect decides anew, where the configuration leaves it to us: before each signature of our RouterInfo, which is what
// tells the network and the netDb. Private networks are too small for the rules.
func (r *Router) elect(now time.Time) {
	if !r.cfg.FloodfillAuto || r.cfg.AllowPrivate || r.cfg.NetworkID != PublicNetworkID {
		return
	}
	was, uptime := r.role.on.Load(), now.Sub(r.started)
	since := uptime + floodfillChange
	if !r.role.changed.IsZero() {
		since = now.Sub(r.role.changed)
	}
	is, why := r.fitness(uptime).decide(was, since)
	if is == was {
		return
	}
	r.role.changed = now
	r.role.on.Store(is)
	r.log.Info("floodfill role changes", "floodfill", is, "why", why)
}

func (r *Router) fitness(uptime time.Duration) fitness {
	return fitness{
		uptime: uptime, class: bandwidthClass(r.cfg.Bandwidth), published: publishesV4(r.addresses()), routers: r.db.Stats().Routers,
		sessions: len(r.mux.Sessions()), transit: len(r.transit.Tunnels()), load: r.transit.Load(), skew: r.clock.Offset(),
	}
}

func publishesV4(all []i2p.RouterAddress) bool {
	for _, a := range all {
		if a.Host().Is4() && a.Port() != 0 {
			return true
		}
	}
	return false
}
