package filter

import "strings"

// inboundTags are those of a server that a client may see: when, by whom, which. Those of other clients ("+typing") are not
// among them, and of our own client's none leaves.
var inboundTags = set("account msgid time")

// keepTags is the tags of a server that are on the list.
func keepTags(tags string) string {
	if tags == "" {
		return ""
	}
	var kept []string
	for tag := range strings.SplitSeq(tags, ";") {
		key, _, _ := strings.Cut(tag, "=")
		if inboundTags[key] {
			kept = append(kept, tag)
		}
	}
	return strings.Join(kept, ";")
}
