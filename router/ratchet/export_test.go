package ratchet

// SendTagSet is the id of the tag set that s sends with.
func SendTagSet(s *Session) int { return int(s.send.id) }
