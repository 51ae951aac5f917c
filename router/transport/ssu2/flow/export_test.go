package flow

// MaxPayloadSize is the longest payload that Fill may write: that of a probe.
func (f *Flow) MaxPayloadSize() int { return f.mtu.most - f.mtu.overhead }

// MTU is the size of IP packets that PayloadSize fills.
func (f *Flow) MTU() int { return f.mtu.mtu() }
