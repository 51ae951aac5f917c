package sdk

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written "64KB", "1.5 MiB" or "4096". KB, MB, GB count in thousands, KiB, MiB, GiB in 1024s.
type Size int64

var sizeUnits = []struct {
	name  string
	bytes float64
}{{"GIB", 1 << 30}, {"MIB", 1 << 20}, {"KIB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}, {"", 1}}

// ParseSize reads a size.
func ParseSize(s string) (Size, error) {
	text := strings.ToUpper(strings.TrimSpace(s))
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if f *= u.bytes; err != nil || !(f >= 0 && f < math.MaxInt64) || f != math.Trunc(f) {
			break
		}
		return Size(f), nil
	}
	return 0, fmt.Errorf("%q is not a size like \"64KB\" or \"1MiB\"", s)
}

// String is the shortest exact form.
func (s Size) String() string {
	for _, u := range []struct {
		name  string
		bytes Size
	}{{"GB", 1e9}, {"GiB", 1 << 30}, {"MB", 1e6}, {"MiB", 1 << 20}, {"KB", 1e3}, {"KiB", 1 << 10}} {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
