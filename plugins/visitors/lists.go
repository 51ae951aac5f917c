package visitors

import "fmt"

// Lists says who may come: nobody that is in deny; if allow is not empty, only those in it. The zero Lists lets everybody in.
type Lists struct {
	allow, deny map[Peer]struct{}
}

// NewLists parses both lists. The error names the entry.
func NewLists(allow, deny []string) (Lists, error) {
	a, err := parse(allow)
	if err != nil {
		return Lists{}, err
	}
	d, err := parse(deny)
	if err != nil {
		return Lists{}, err
	}
	return Lists{allow: a, deny: d}, nil
}

func parse(entries []string) (map[Peer]struct{}, error) {
	set := make(map[Peer]struct{}, len(entries))
	for i, e := range entries {
		p, err := ParsePeer(e)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		set[p] = struct{}{}
	}
	return set, nil
}

// Allows tells whether p may come.
func (l Lists) Allows(p Peer) bool {
	if _, bad := l.deny[p]; bad {
		return false
	}
	if len(l.allow) == 0 {
		return true
	}
	_, good := l.allow[p]
	return good
}
