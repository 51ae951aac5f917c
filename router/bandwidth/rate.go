package bandwidth

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Rate is in bytes per second. 0 is unlimited.
type Rate int64

// Unlimited is the rate without a limit.
const Unlimited Rate = 0

var units = []struct {
	suffix string
	bytes  Rate
}{
	{"GIB", 1 << 30}, {"MIB", 1 << 20}, {"KIB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

// ParseRate parses "1MB", "1.5 MiB", "250KB/s", "4096" (bytes) or "unlimited". Upper and lower case are the same; KB,
// MB, GB count in thousands, KiB, MiB, GiB in 1024s. 0 is unlimited.
func ParseRate(s string) (Rate, error) {
	t := strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s)), "/S")
	if t == "UNLIMITED" {
		return Unlimited, nil
	}
	unit := Rate(1)
	for _, u := range units {
		if n, ok := strings.CutSuffix(t, u.suffix); ok {
			t, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(t, 64)
	if err != nil || strings.ContainsAny(t, "XPINE_+-") {
		return 0, fmt.Errorf("bandwidth: %q is not a rate like \"1MB\", \"250KiB\" or \"unlimited\"", s)
	}
	if n *= float64(unit); n > math.MaxInt64/2 {
		return 0, fmt.Errorf("bandwidth: %q is too much", s)
	}
	if n > 0 && n < 1 {
		return 0, fmt.Errorf("bandwidth: %q is less than a byte per second", s)
	}
	return Rate(n), nil
}

// String is the shortest form that ParseRate takes.
func (r Rate) String() string {
	if r <= 0 {
		return "unlimited"
	}
	for _, u := range []struct {
		suffix string
		bytes  Rate
	}{{"GB", 1e9}, {"GiB", 1 << 30}, {"MB", 1e6}, {"MiB", 1 << 20}, {"KB", 1e3}, {"KiB", 1 << 10}} {
		if r%u.bytes == 0 {
			return strconv.FormatInt(int64(r/u.bytes), 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(r), 10) + "B"
}

// MarshalText is String.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParseRate.
func (r *Rate) UnmarshalText(b []byte) error {
	p, err := ParseRate(string(b))
	if err == nil {
		*r = p
	}
	return err
}
