package router

import (
	"context"
	"fmt"
	"sync"
)

// A stage is loops of Run that end together. One that fails ends all of Run.
type stage struct {
	ctx     context.Context
	cancel  context.CancelFunc
	failed  context.CancelCauseFunc
	running sync.WaitGroup
}

func newStage(of context.Context, failed context.CancelCauseFunc) *stage {
	ctx, cancel := context.WithCancel(context.WithoutCancel(of))
	return &stage{ctx: ctx, cancel: cancel, failed: failed}
}

func (s *stage) start(name string, run func(context.Context) error) {
	s.running.Go(func() {
		if err := run(s.ctx); err != nil && s.ctx.Err() == nil {
			s.failed(fmt.Errorf("router: %s: %w", name, err))
		}
	})
}

func (s *stage) end() {
	s.cancel()
	s.running.Wait()
}
