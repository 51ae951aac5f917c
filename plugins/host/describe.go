package host

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"clove.i2p/plugins/api/pb"
)

// description is what a plugin says it is, checked.
type description struct {
	sha256  string // of the file that said so
	name    string
	version string
	summary string
	types   []*pb.TunnelType
	asked   []pb.Permission
}

// commonKeys of [tunnels.NAME] are the host's own.
var commonKeys = []string{"type", "enabled", "keys", "length", "quantity", "max_connections"}

var (
	typeName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	settingKey = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

func newDescription(plugin, sha256 string, d *pb.Description) (*description, error) {
	bad := func(format string, args ...any) (*description, error) {
		return nil, fmt.Errorf("plugin %s describes itself wrongly: "+format+"; its author has to change that", append([]any{plugin}, args...)...)
	}
	out := &description{
		sha256: sha256, name: printable(d.GetName(), maxName), version: printable(d.GetVersion(), maxName), summary: printable(d.GetSummary(), maxText),
		types: d.GetTypes(),
	}
	if n := len(d.GetTypes()); n == 0 || n > maxTypes {
		return bad("%d tunnel types; 1 to %d are possible", n, maxTypes)
	}
	if n := len(d.GetPermissions()); n > maxPermissions {
		return bad("%d permissions; at most %d are possible", n, maxPermissions)
	}
	for _, p := range d.GetPermissions() {
		if pb.Permission_name[int32(p)] == "" || p == pb.Permission_PERMISSION_UNSPECIFIED {
			return bad("it asks for permission number %d, which this clove does not know", p)
		}
		if !slices.Contains(out.asked, p) {
			out.asked = append(out.asked, p)
		}
	}
	for i, t := range out.types {
		if len(t.GetName()) > maxName || !typeName.MatchString(t.GetName()) {
			return bad("tunnel type %q; use small letters, digits and -, up to %d", printable(t.GetName(), maxName), maxName)
		}
		if slices.ContainsFunc(out.types[:i], func(o *pb.TunnelType) bool { return o.GetName() == t.GetName() }) {
			return bad("tunnel type %s is there twice", t.GetName())
		}
		if err := checkType(t); err != nil {
			return bad("tunnel type %s: %w", t.GetName(), err)
		}
	}
	return out, nil
}

func checkType(t *pb.TunnelType) error {
	t.Summary, t.Protocol = printable(t.GetSummary(), maxText), printable(t.GetProtocol(), maxName)
	if pb.DestinationKind_name[int32(t.GetDestination())] == "" {
		return fmt.Errorf("kind of destination %d is not known to this clove", t.GetDestination())
	}
	if len(t.GetSettings()) > maxSettings {
		return fmt.Errorf("%d settings; at most %d are possible", len(t.GetSettings()), maxSettings)
	}
	for i, s := range t.GetSettings() {
		key := s.GetKey()
		switch {
		case len(key) > maxName || !settingKey.MatchString(key):
			return fmt.Errorf("setting %q; use small letters, digits and _, up to %d", printable(key, maxName), maxName)
		case slices.Contains(commonKeys, key):
			return fmt.Errorf("setting %s is one of clove's own", key)
		case slices.ContainsFunc(t.GetSettings()[:i], func(o *pb.Setting) bool { return o.GetKey() == key }):
			return fmt.Errorf("setting %s is there twice", key)
		}
		if err := checkSetting(s); err != nil {
			return fmt.Errorf("setting %s: %w", key, err)
		}
	}
	return nil
}

func checkSetting(s *pb.Setting) error {
	s.Help = printable(s.GetHelp(), maxText)
	texts := s.GetType() == pb.SettingType_STRING || s.GetType() == pb.SettingType_STRINGS || s.GetType() == pb.SettingType_STRING_MAP
	switch {
	case pb.SettingType_name[int32(s.GetType())] == "" || pb.SettingKind_name[int32(s.GetKind())] == "":
		return fmt.Errorf("type %d, kind %d: not known to this clove", s.GetType(), s.GetKind())
	case s.GetKind() != pb.SettingKind_PLAIN && s.GetKind() != pb.SettingKind_SECRET && !texts:
		return fmt.Errorf("kind %s is for texts", s.GetKind())
	case len(s.GetChoices()) > maxChoices || len(s.GetDefaultJson()) > maxDefault:
		return fmt.Errorf("more than %d choices, or a default of more than %d bytes", maxChoices, maxDefault)
	case strings.ContainsFunc(s.GetDefaultJson(), func(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }):
		return fmt.Errorf("its default has control characters in it; write them as JSON does")
	case len(s.GetChoices()) > 0 && s.GetType() != pb.SettingType_STRING:
		return fmt.Errorf("choices are for a STRING")
	case s.GetPublish() && s.GetType() != pb.SettingType_BOOLEAN:
		return fmt.Errorf("publish is for a BOOLEAN")
	}
	for i, c := range s.GetChoices() {
		s.Choices[i] = printable(c, maxName)
	}
	if s.GetDefaultJson() == "" {
		return nil
	}
	v, err := defaultOf(s)
	if err != nil {
		return err
	}
	return checkDefault(s.GetKind(), v)
}

// checkDefault: what a setting grants is for the user to write, and a default is the plugin's. It may name addresses of this
// machine, and the ports of the web.
func checkDefault(kind pb.SettingKind, v any) error {
	var texts []string
	switch v := v.(type) {
	case string:
		texts = []string{v}
	case []string:
		texts = v
	case map[string]string:
		texts = slices.Collect(maps.Values(v))
	}
	for _, text := range texts {
		ok := true
		switch kind {
		case pb.SettingKind_LISTEN_ADDRESS, pb.SettingKind_DIAL_ADDRESS:
			ok = text == "" || isLoopback(text)
		case pb.SettingKind_FILE, pb.SettingKind_FOLDER:
			ok = text == ""
		case pb.SettingKind_CLEARNET_PORTS:
			ok = text == "80" || text == "443"
		}
		if !ok {
			return fmt.Errorf("its default %s grants what only a user can: make it required", printable(strconv.Quote(text), maxName))
		}
	}
	return nil
}

// isLoopback is for host:port, and http://host:port.
func isLoopback(address string) bool {
	for _, scheme := range []string{"http://", "https://"} {
		if rest, ok := strings.CutPrefix(address, scheme); ok {
			address, _, _ = strings.Cut(rest, "/")
		}
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// defaultOf is the default of a setting as its plugin gets it.
func defaultOf(s *pb.Setting) (any, error) {
	var v any
	if err := json.Unmarshal([]byte(s.GetDefaultJson()), &v); err != nil {
		return nil, fmt.Errorf("its default is no JSON: %w", err)
	}
	out, err := convert(s, v, true)
	if err != nil {
		return nil, fmt.Errorf("its default: %w", err)
	}
	return out, nil
}

func (d *description) typ(name string) *pb.TunnelType {
	for _, t := range d.types {
		if t.GetName() == name {
			return t
		}
	}
	return nil
}
