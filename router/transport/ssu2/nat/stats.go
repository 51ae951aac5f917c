package nat

// Stats are counts since the start, and the sizes of the tables now.
type Stats struct {
	TestsAlice, TestsBob, TestsCharlie    int
	RelaysAlice, RelaysBob, RelaysCharlie int
	Waiting                               int // for a RouterInfo
	TagsGiven, TagsGot                    int
}
