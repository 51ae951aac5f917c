package proxies

import (
	"strings"
)

// proxyCodes are the error types of RFC 9209 section 2.3 that outproxies and exits use. What the tunnel here ("outproxy")
// says is about the way to the exit, what the others say is about what is behind it.
var proxyCodes = map[string]struct{ outproxy, exit error }{
	"destination_unavailable":   {ErrOutproxyDown, ErrExitDown},
	"destination_not_found":     {ErrOutproxyDown, ErrExitName},
	"proxy_internal_error":      {ErrOutproxyAnswer, ErrOutproxyAnswer},
	"proxy_configuration_error": {ErrOutproxyAnswer, ErrOutproxyAnswer},
	"connection_refused":        {ErrExitConnection, ErrExitConnection},
	"connection_terminated":     {ErrExitConnection, ErrExitConnection},
	"connection_timeout":        {ErrExitTimeout, ErrExitTimeout},
	"connection_read_timeout":   {ErrExitTimeout, ErrExitTimeout},
	"connection_limit_reached":  {ErrOutproxyRefused, ErrOutproxyRefused},
	"destination_ip_unroutable": {ErrExitConnection, ErrExitConnection},
	"destination_ip_prohibited": {ErrExitProhibited, ErrExitProhibited},
	"dns_error":                 {ErrExitName, ErrExitName},
	"dns_timeout":               {ErrExitName, ErrExitName},
	"http_request_denied":       {ErrOutproxyRefused, ErrOutproxyRefused},
	"http_request_error":        {ErrOutproxyRefused, ErrOutproxyRefused},
	"http_response_timeout":     {ErrExitTimeout, ErrExitTimeout},
	"http_upgrade_failed":       {ErrOutproxyAnswer, ErrOutproxyAnswer},
	"proxy_internal_response":   {ErrOutproxyAnswer, ErrOutproxyAnswer},
	"proxy_loop_detected":       {ErrOutproxyAnswer, ErrOutproxyAnswer},
	"tls_protocol_error":        {ErrExitConnection, ErrExitConnection},
	"tls_certificate_error":     {ErrExitConnection, ErrExitConnection},
	"http_response_incomplete":  {ErrExitConnection, ErrExitConnection},
	"http_protocol_error":       {ErrExitConnection, ErrExitConnection},
}

// ProxyStatus turns status and Proxy-Status fields of a response to an absolute-form request into an OutproxyError. It
// returns nil if the response is the site's: no error is in there, or the status is a success.
//
// A site behind the exit can write this header, too; an exit that is not to be fooled removes what it did not write. All
// that a site gains is a page of ours that calls it unreachable.
func ProxyStatus(status int, fields []string) error {
	if status < 400 {
		return nil
	}
	for _, field := range fields {
		if len(field) > maxProxyHead {
			continue
		}
		for len(field) > 0 {
			var m statusMember
			if m, field = nextMember(field); m.code == "" {
				continue
			}
			// The first is the one nearest to the site, RFC 9209 section 2.
			e := &OutproxyError{Kind: ErrOutproxyAnswer, Status: status, Source: m.source, Code: m.code, Details: m.details}
			if kinds, ok := proxyCodes[m.code]; ok {
				e.Kind = kinds.exit
				if m.source == "outproxy" {
					e.Kind = kinds.outproxy
				}
			}
			return e
		}
	}
	return nil
}

type statusMember struct{ source, code, details string }

// nextMember reads one member of a list of RFC 8941 (items with parameters) and what follows its comma. It takes what it
// can of a malformed one.
//
//	exit; error=dns_error; details="no such \"name\"", outproxy
func nextMember(s string) (m statusMember, rest string) {
	s = strings.TrimLeft(s, " \t")
	m.source, s = nextValue(s)
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return m, ""
		}
		if s[0] == ',' {
			return m, s[1:]
		}
		if s[0] != ';' {
			if _, s = nextValue(s); s != "" && s[0] != ';' && s[0] != ',' && s[0] != ' ' && s[0] != '\t' {
				s = s[1:]
			}
			continue
		}
		var key, value string
		key, s = nextValue(strings.TrimLeft(s[1:], " \t"))
		if strings.HasPrefix(s, "=") {
			value, s = nextValue(s[1:])
		}
		switch {
		case key == "error" && m.code == "":
			m.code = value
		case key == "details" && m.details == "":
			m.details = value
		}
	}
}

// nextValue reads a token or a quoted string, unquoted; at most maxDetails printable bytes of it are returned.
func nextValue(s string) (value, rest string) {
	var b strings.Builder
	add := func(c byte) {
		if c >= ' ' && c < 0x7f && b.Len() < maxDetails {
			b.WriteByte(c)
		}
	}
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, "=;, \t\"")
		if end < 0 {
			end = len(s)
		}
		for i := range end {
			add(s[i])
		}
		return b.String(), s[end:]
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		add(s[i])
	}
	return b.String(), ""
}
