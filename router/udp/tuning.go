package udp

import (
	"fmt"
	"strings"
)

// tuning is what the system granted.
type tuning struct {
	readBuffer, writeBuffer int // bytes; 0: not known
	dontFragment            bool
}

// Features says in a few words how packets move and what the system granted, for status pages:
// "batch gso gro df, buffers 4096/4096 KiB".
func (s *Socket) Features() string {
	words := s.engine.features()
	if s.tuning.dontFragment {
		words = append(words, "df")
	}
	out := strings.Join(words, " ")
	if s.tuning.readBuffer > 0 {
		out += fmt.Sprintf(", buffers %d/%d KiB", s.tuning.readBuffer>>10, s.tuning.writeBuffer>>10)
	}
	return out
}
