package gate

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// Grants are what the values of a tunnel's settings allow.
type Grants struct {
	Listen        []string // kind LISTEN_ADDRESS: host:port
	Dial          []string // kind DIAL_ADDRESS: host:port, or http://host:port
	Files         []string // kind FILE
	Folders       []string // kind FOLDER
	ClearnetPorts []string // kind CLEARNET_PORTS: "443", "1000-2000"; empty: 80 and 443
}

// GrantsOf collects the grants of settings by the kinds in a schema. values are as JSON decodes them: string, []any of string,
// map[string]any of string; or []string, map[string]string. A key without a value counts with its default. Errors wrap
// api.ErrInvalid and name the key.
func GrantsOf(schema []*pb.Setting, values map[string]any) (Grants, error) {
	var g Grants
	for _, s := range schema {
		var to *[]string
		switch s.GetKind() {
		case pb.SettingKind_LISTEN_ADDRESS:
			to = &g.Listen
		case pb.SettingKind_DIAL_ADDRESS:
			to = &g.Dial
		case pb.SettingKind_FILE:
			to = &g.Files
		case pb.SettingKind_FOLDER:
			to = &g.Folders
		case pb.SettingKind_CLEARNET_PORTS:
			to = &g.ClearnetPorts
		default:
			continue
		}
		value, ok := values[s.GetKey()]
		if !ok && s.GetDefaultJson() != "" {
			if err := json.Unmarshal([]byte(s.GetDefaultJson()), &value); err != nil {
				return Grants{}, refuse(api.ErrInvalid, "setting %s: its default is no JSON: %v", s.GetKey(), err)
			}
		}
		texts, err := textsOf(value)
		if err == nil {
			_, err = compile(Grants{Listen: pick(to == &g.Listen, texts), Dial: pick(to == &g.Dial, texts), ClearnetPorts: pick(to == &g.ClearnetPorts, texts)})
		}
		if err != nil {
			return Grants{}, refuse(api.ErrInvalid, "setting %s: %v", s.GetKey(), err)
		}
		*to = append(*to, texts...)
	}
	return g, nil
}

func pick(yes bool, texts []string) []string {
	if yes {
		return texts
	}
	return nil
}

// textsOf are the texts in a value; empty ones are none.
func textsOf(value any) ([]string, error) {
	var out []string
	switch v := value.(type) {
	case nil:
	case string:
		if v != "" {
			out = append(out, v)
		}
	case float64:
		out = append(out, strconv.FormatFloat(v, 'f', -1, 64))
	case int, int64, json.Number:
		out = append(out, fmt.Sprint(v))
	case []string:
		out = append(out, v...)
	case []any:
		for _, e := range v {
			texts, err := textsOf(e)
			if err != nil {
				return nil, err
			}
			out = append(out, texts...)
		}
	case map[string]string:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, v[k])
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			texts, err := textsOf(v[k])
			if err != nil {
				return nil, err
			}
			out = append(out, texts...)
		}
	default:
		return nil, fmt.Errorf("a value of type %T grants nothing: use text, a list or a table of texts", value)
	}
	return out, nil
}

// granted are Grants in the form that calls are compared with.
type granted struct {
	listen, dial, files, folders map[string]bool
	ports                        []portRange
}

type portRange struct{ from, to uint16 }

func compile(g Grants) (*granted, error) {
	c := &granted{listen: make(map[string]bool), dial: make(map[string]bool), files: make(map[string]bool), folders: make(map[string]bool)}
	for _, a := range g.Listen {
		key, err := listenAddress(a)
		if err != nil {
			return nil, err
		}
		c.listen[key] = true
	}
	for _, a := range g.Dial {
		key, err := dialAddress(a)
		if err != nil {
			return nil, err
		}
		c.dial[key] = true
	}
	for _, f := range g.Files {
		c.files[f] = true
	}
	for _, f := range g.Folders {
		c.folders[f] = true
	}
	if len(g.ClearnetPorts) == 0 {
		c.ports = []portRange{{80, 80}, {443, 443}}
	}
	for _, p := range g.ClearnetPorts {
		r, err := parsePorts(p)
		if err != nil {
			return nil, err
		}
		c.ports = append(c.ports, r)
	}
	return c, nil
}

func (c *granted) port(p uint16) bool {
	return slices.ContainsFunc(c.ports, func(r portRange) bool { return r.from <= p && p <= r.to })
}

// hostPort returns host:port in the form that all spellings of it share.
func hostPort(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil || len(s) > maxAddress {
		return "", fmt.Errorf("%.80q is no address: write host:port", s)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", fmt.Errorf("port %.20q of %.80q is no number up to 65535", port, s)
	}
	return net.JoinHostPort(strings.ToLower(host), strconv.FormatUint(n, 10)), nil
}

// listenAddress takes no names: the system would ask for them.
func listenAddress(s string) (string, error) {
	key, err := hostPort(s)
	if err != nil {
		return "", err
	}
	host, _, _ := net.SplitHostPort(key)
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
		return "", fmt.Errorf("%.80q is no address to listen on: write an IP address or localhost, such as 127.0.0.1:8080", s)
	}
	return key, nil
}

// dialAddress also takes the URL of a server: what counts is its host and port.
func dialAddress(s string) (string, error) {
	for scheme, port := range map[string]string{"http://": "80", "https://": "443"} {
		rest, ok := strings.CutPrefix(s, scheme)
		if !ok {
			continue
		}
		rest, _, _ = strings.Cut(rest, "/")
		if _, _, err := net.SplitHostPort(rest); err != nil {
			rest = net.JoinHostPort(strings.Trim(rest, "[]"), port)
		}
		return hostPort(rest)
	}
	return hostPort(s)
}

// parsePorts reads "443" or "1000-2000".
func parsePorts(s string) (portRange, error) {
	low, high, isRange := strings.Cut(strings.TrimSpace(s), "-")
	from, err := strconv.ParseUint(low, 10, 16)
	to := from
	if err == nil && isRange {
		to, err = strconv.ParseUint(high, 10, 16)
	}
	if err != nil || from == 0 || to < from {
		return portRange{}, fmt.Errorf("%.40q is no port: write 443, or 1000-2000", s)
	}
	return portRange{uint16(from), uint16(to)}, nil
}
