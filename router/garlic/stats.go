package garlic

// Stats counts what a keeper did since it was made; the first group is the present.
type Stats struct {
	Peers, Tags, OneTime int

	SealedNewSession, SealedReply, SealedExisting, SealedUnbound uint64
	OpenedNewSession, OpenedReply, OpenedExisting, OpenedUnbound uint64
	OpenedOneTime, OpenedRouter                                  uint64

	Unopened uint64 // garbage, late, duplicate
	Refused  uint64 // over the budget of New Sessions
	Replayed uint64
	Stale    uint64 // DateTime out of range
	Evicted  uint64 // peers dropped to make room
	Renewed  uint64 // sessions given up by Renew
}

// Stats is a snapshot.
func (k *Keeper) Stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.stats
	s.Peers, s.Tags, s.OneTime = len(k.peers), k.index.Len(), len(k.oneTime)
	return s
}
