package ircd

import "time"

const (
	// maxLine is a line with its CR LF (RFC 1459, 2.3).
	maxLine = 512
	// maxQueue is how many lines may wait for a client: a join of a full channel fits, a client that reads nothing ends.
	maxQueue = 512
	// maxChannels is for each client, maxMembers for each channel.
	maxChannels = 20
	maxMembers  = 200
	// maxNick and maxText are what ISUPPORT promises, in bytes.
	maxNick = 30
	maxText = 300

	defaultMaxClients = 200
	// registrationTime is for NICK and USER; pingInterval of silence brings a PING, another one of it the end.
	registrationTime = time.Minute
	pingInterval     = 90 * time.Second
	writeTimeout     = 20 * time.Second
)
