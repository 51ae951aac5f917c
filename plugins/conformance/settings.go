package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/plugintest/settings"
)

// makeSettings makes up settings for a tunnel type: addresses that have a default or are required, and what else is required or
// missed. Options go first.
func (s *suite) makeSettings(t *pb.TunnelType, missed map[string]bool) (map[string]any, error) {
	values := map[string]any{}
	for _, setting := range t.Settings {
		v, given := s.Settings[t.Name+"."+setting.Key]
		if !given {
			v, given = s.Settings[setting.Key]
		}
		if !given {
			if !setting.Required && !missed[setting.Key] && (setting.DefaultJson == "" || !isAddress(setting.Kind)) {
				continue
			}
			var err error
			if v, err = s.lab.makeUp(setting); err != nil {
				return nil, err
			}
		}
		values[setting.Key] = v
	}
	normal, err := settings.Normalize(t, values)
	if err != nil {
		return nil, fmt.Errorf("settings that fit its schema: %w", err)
	}
	return normal, nil
}

func isAddress(k pb.SettingKind) bool {
	switch k {
	case pb.SettingKind_LISTEN_ADDRESS, pb.SettingKind_DIAL_ADDRESS, pb.SettingKind_I2P_ADDRESS, pb.SettingKind_FILE, pb.SettingKind_FOLDER:
		return true
	}
	return false
}

func (l *lab) makeUp(s *pb.Setting) (any, error) {
	text, err := l.text(s)
	if err != nil {
		return nil, err
	}
	switch s.Type {
	case pb.SettingType_STRING:
		return text, nil
	case pb.SettingType_STRINGS:
		return []string{text}, nil
	case pb.SettingType_STRING_MAP:
		return map[string]string{"80": text}, nil
	case pb.SettingType_BOOLEAN:
		return true, nil
	case pb.SettingType_DURATION:
		return "1s", nil
	default:
		return 1, nil
	}
}

func (l *lab) text(s *pb.Setting) (string, error) {
	switch s.Kind {
	case pb.SettingKind_LISTEN_ADDRESS:
		return freePort()
	case pb.SettingKind_DIAL_ADDRESS:
		return l.backend.address, nil
	case pb.SettingKind_I2P_ADDRESS:
		return peerName, nil
	case pb.SettingKind_FILE:
		path := filepath.Join(l.folder, "file-"+filepath.Base(s.Key))
		return path, os.WriteFile(path, []byte("conformance\n"), 0o600)
	case pb.SettingKind_FOLDER:
		return filepath.Join(l.folder, "files"), nil
	case pb.SettingKind_CLEARNET_PORTS:
		return "443", nil
	}
	if len(s.Choices) > 0 {
		return s.Choices[0], nil
	}
	return "conformance", nil
}

func freePort() (string, error) {
	tcp, udp, err := samePort()
	if err != nil {
		return "", err
	}
	_ = udp.Close()
	_ = tcp.Close()
	return tcp.Addr().(*net.TCPAddr).String(), nil
}

// wrongValue is of another type than the setting's.
func wrongValue(t pb.SettingType) any {
	switch t {
	case pb.SettingType_STRING:
		return map[string]any{"not": "text"}
	default:
		return "not a " + t.String()
	}
}

// with is the settings and one more.
func with(values map[string]any, key string, v any) []byte {
	out := maps.Clone(values)
	out[key] = v
	return encode(out)
}

// without is the settings but for one.
func without(values map[string]any, key string) []byte {
	out := maps.Clone(values)
	delete(out, key)
	return encode(out)
}

func encode(values map[string]any) []byte {
	b, err := json.Marshal(values)
	if err != nil {
		panic("conformance: " + err.Error()) // they were made from JSON's types
	}
	return b
}
