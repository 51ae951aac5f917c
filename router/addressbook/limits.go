package addressbook

import "time"

const (
	// maxFileLen bounds the memory that a book takes. All names that are registered in the network make about 1 MB.
	maxFileLen = 32 << 20
	// maxLineLen is a name, a destination and properties that may hold another destination and two signatures
	// (Subscription).
	maxLineLen = 8 << 10
	// maxReports bounds what is logged of one damaged file.
	maxReports = 20
	// pollInterval is how soon a change of the file is seen. A stat costs microseconds.
	pollInterval = 2 * time.Second
	// maxAttempts is how often Add starts again because the file was changed under it. An editor saves once.
	maxAttempts = 5
)
