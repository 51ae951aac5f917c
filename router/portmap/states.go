package portmap

import "context"

// release removes the mappings, within timings.remove. What cannot be removed is asked for again where the gateway comes back.
func (m *Mapper) release() {
	ctx, cancel := context.WithTimeout(context.Background(), m.times.remove)
	defer cancel()
	for i, s := range m.Status() {
		if h := m.held[i]; h.port != 0 {
			if err := h.by.remove(ctx, s.Port, h.port); err != nil {
				m.log.Debug("port mapping not removed", "protocol", h.by.protocol(), "cause", err)
			} else {
				m.held[i] = holding{}
			}
		}
		if s.External.IsValid() {
			m.set(i, State{Port: s.Port})
		}
	}
}

// lose notes that nothing is mapped.
func (m *Mapper) lose(err error) {
	for i, s := range m.Status() {
		m.set(i, State{Port: s.Port, Err: err})
	}
}

// set notes a state, and reports it if it says anything new.
func (m *Mapper) set(i int, s State) {
	m.mu.Lock()
	old := m.states[i]
	m.states[i] = s
	m.mu.Unlock()
	old.Renewed = s.Renewed
	if same := (old.Err == nil) == (s.Err == nil) && (s.Err == nil || old.Err.Error() == s.Err.Error()); same {
		old.Err = s.Err
		if old == s {
			return
		}
	}
	if m.cfg.Changed != nil {
		m.cfg.Changed(s)
	}
}
