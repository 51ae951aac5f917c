package filter

// Direction of a line.
type Direction int

// The directions.
const (
	Outbound Direction = iota // from the client to the server
	Inbound
)

func (d Direction) String() string { return [...]string{"out", "in"}[d] }

// Directions are all of them.
var Directions = [...]Direction{Outbound, Inbound}

// Kind is what the filter did to a line.
type Kind int

// The kinds.
const (
	Command    Kind = iota // dropped: a command that is not on the list
	CTCP                   // dropped: a client-to-client request or answer other than ACTION
	DCC                    // dropped: an offer of a direct connection, or one that cannot be made over I2P
	Malformed              // dropped: not an IRC message, or with NUL
	TooLong                // dropped: over 512 bytes, or 8,191 of tags
	StartTLS               // dropped: would end what the filter can read
	Redirect               // dropped: a server that sends its clients elsewhere
	Capability             // taken out of a negotiation
	Tags                   // stripped of a line
	User                   // USER, without what it told
	Leaving                // PART and QUIT, without the reason
	Ping                   // PING and PONG, without the client's token
	DCCMapped              // addresses of a DCC offer replaced by those of I2P, or back
	kinds
)

var kindNames = [kinds]struct{ name, help string }{
	Command:    {"command_dropped", "lines with a command that is not on the list"},
	CTCP:       {"ctcp_dropped", "CTCP requests and answers other than ACTION"},
	DCC:        {"dcc_dropped", "DCC offers that were refused"},
	Malformed:  {"malformed_dropped", "lines that are not IRC"},
	TooLong:    {"too_long_dropped", "lines longer than IRC allows"},
	StartTLS:   {"starttls_dropped", "STARTTLS"},
	Redirect:   {"redirect_dropped", "redirections to another server"},
	Capability: {"capability_dropped", "capabilities taken out of the negotiation"},
	Tags:       {"tags_stripped", "lines from which message tags were taken"},
	User:       {"user_rewritten", "USER without host names"},
	Leaving:    {"leaving_rewritten", "PART and QUIT without the reason"},
	Ping:       {"ping_rewritten", "PING and PONG without the client's token"},
	DCCMapped:  {"dcc_mapped", "DCC messages with their addresses replaced"},
}

func (k Kind) String() string { return kindNames[k].name }

// Help says in a few words what is counted.
func (k Kind) Help() string { return kindNames[k].help }

// Kinds are those that occur in a direction.
func Kinds(d Direction) []Kind {
	var all []Kind
	for k := range kinds {
		if !oneWay[k] || d == k.way() {
			all = append(all, k)
		}
	}
	return all
}

// oneWay are those that occur in one direction.
var oneWay = map[Kind]bool{StartTLS: true, Redirect: true, User: true, Leaving: true, Ping: true}

func (k Kind) way() Direction {
	if k == Redirect {
		return Inbound
	}
	return Outbound
}
