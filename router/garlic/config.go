package garlic

import "fmt"

// Config of a Keeper. Zero values are the defaults.
type Config struct {
	// Router: this is the router's own keeper. It opens Noise_N messages instead of New Sessions and seals only with
	// SealRouter and SealOneTime.
	Router bool
	// MaxPeers with sessions, MaxTags of all sessions, NewSessionRate opened per second.
	MaxPeers, MaxTags, NewSessionRate int
	// RatchetAfter messages in one direction the DH ratchet turns.
	RatchetAfter int
}

// Validate checks the configuration.
func (c Config) Validate() error {
	for name, v := range map[string]int{
		"max_peers": c.MaxPeers, "max_tags": c.MaxTags, "new_session_rate": c.NewSessionRate, "ratchet_after": c.RatchetAfter,
	} {
		if v < 0 {
			return fmt.Errorf("garlic: %s = %d is negative", name, v)
		}
	}
	if c.RatchetAfter > 60000 {
		return fmt.Errorf("garlic: ratchet_after = %d: a tag set has 65,533 messages", c.RatchetAfter)
	}
	return nil
}

func (c Config) withDefaults() Config {
	rate := defaultNewSessionRate
	if c.Router {
		rate = defaultRouterRate
	}
	for _, d := range []struct {
		v *int
		n int
	}{{&c.MaxPeers, defaultMaxPeers}, {&c.MaxTags, defaultMaxTags}, {&c.NewSessionRate, rate}} {
		if *d.v == 0 {
			*d.v = d.n
		}
	}
	return c
}
