package proxies

// Explanation is a Decision and how it came about.
type Explanation struct {
	URL string `json:"url"`
	Decision
	// Remedy is how to allow what is blocked.
	Remedy string `json:"remedy,omitempty"`
	// Steps are the rules that were tried, in order.
	Steps []Step `json:"steps"`
}

// Step is one rule that was tried.
type Step struct {
	// Number begins with 1.
	Number  int    `json:"number"`
	Name    string `json:"name"`
	Matched bool   `json:"matched"`
	// Why it did not match, or what it does.
	Why string `json:"why"`
}

// Explain decides on a URL (http://, https://, or host:port) without counting it. listener, user and method may be
// empty: the listener then is none that a rule names; the method is GET, for https and host:port CONNECT.
func (p *Policy) Explain(rawURL, listener, user, method string) (Explanation, error) {
	return Explanation{}, nil
}
