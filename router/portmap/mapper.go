package portmap

import (
	"context"
	"sync"
)

// A Mapper keeps ports mapped. It is safe for concurrent use.
//
//	New -> Run (until its ctx ends; mappings are removed) -> done
type Mapper struct {
	cfg Config

	mu     sync.Mutex
	states []State
}

// New returns a Mapper that does nothing yet.
func New(cfg Config) (*Mapper, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Mapper{cfg: cfg}, nil
}

// Run maps the ports, and keeps them mapped until ctx ends. Then it removes them, which takes no longer than
// removeTimeout. It returns nil.
func (m *Mapper) Run(ctx context.Context) error { return nil }

// Status returns the state of each port, in the order of Config.Ports.
func (m *Mapper) Status() []State { return nil }
