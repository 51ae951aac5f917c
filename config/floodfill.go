package config

import "fmt"

// Floodfill says whether the router is a part of the distributed netDb.
type Floodfill string

// Values of Floodfill; true and false are taken for on and off.
const (
	FloodfillAuto Floodfill = "auto"
	FloodfillOn   Floodfill = "on"
	FloodfillOff  Floodfill = "off"
)

// UnmarshalText accepts the values and the two booleans.
func (f *Floodfill) UnmarshalText(b []byte) error {
	switch s := string(b); s {
	case "auto", "on", "off":
		*f = Floodfill(s)
	case "true":
		*f = FloodfillOn
	case "false":
		*f = FloodfillOff
	default:
		return fmt.Errorf("want auto, on or off, not %q", s)
	}
	return nil
}

// MarshalText is the value.
func (f Floodfill) MarshalText() ([]byte, error) { return []byte(f), nil }
