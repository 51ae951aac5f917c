// Package settings turns the settings of a tunnel, as a person writes them, into what a plugin gets, by the rules of plugins/host.
// Beside the values that a configuration file can have it takes those that Go has for durations and sizes.
package settings

import (
	"time"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host"
	"clove.i2p/plugins/sdk"
)

// Normalize returns all settings of a type by key, as JSON wants them. The error names all that is wrong with them.
func Normalize(typ *pb.TunnelType, values map[string]any) (map[string]any, error) {
	plain := make(map[string]any, len(values))
	for key, v := range values {
		switch w := v.(type) {
		case time.Duration:
			v = w.String()
		case sdk.Size:
			v = int64(w)
		}
		plain[key] = v
	}
	return host.Settings(typ, plain)
}
