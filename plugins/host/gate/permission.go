package gate

import (
	"maps"
	"strings"
	"sync"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// PermissionName is the name of a permission in configuration: "dial-i2p".
func PermissionName(p pb.Permission) string {
	return strings.ReplaceAll(strings.ToLower(p.String()), "_", "-")
}

// ParsePermission is its inverse. The error names the permissions that there are.
func ParsePermission(name string) (pb.Permission, error) {
	p, ok := pb.Permission_value[strings.ReplaceAll(strings.ToUpper(name), "-", "_")]
	if ok && p != 0 && name == PermissionName(pb.Permission(p)) {
		return pb.Permission(p), nil
	}
	var all []string
	for i := int32(1); pb.Permission_name[i] != ""; i++ {
		all = append(all, PermissionName(pb.Permission(i)))
	}
	return 0, refuse(api.ErrInvalid, "there is no permission %q: use one of %s", name, strings.Join(all, ", "))
}

// deniedBySettings counts beside the names of permissions.
const deniedBySettings = "settings"

// denials counts what was refused, by plugin and permission. Both come from the configuration and the contract, hence are few.
type denials struct {
	mu     sync.Mutex
	counts map[string]map[string]uint64
}

func (d *denials) add(plugin, permission string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts == nil {
		d.counts = make(map[string]map[string]uint64)
	}
	if d.counts[plugin] == nil {
		d.counts[plugin] = make(map[string]uint64)
	}
	d.counts[plugin][permission]++
}

func (d *denials) of(plugin string) map[string]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.counts[plugin])
}

// permit fails unless one of the permissions is granted.
func (i *Instance) permit(any ...pb.Permission) error {
	for _, p := range any {
		if i.permissions[p] {
			return nil
		}
	}
	i.gate.denials.add(i.plugin, PermissionName(any[0]))
	name := PermissionName(any[0])
	grant := []string{name} // and what there is: --grant names all
	for p := range int32(len(pb.Permission_name)) {
		if i.permissions[pb.Permission(p)] {
			grant = append(grant, PermissionName(pb.Permission(p)))
		}
	}
	return refuse(api.ErrPermission, "permission %s is not granted to plugin %s: clove plugin upgrade %s --grant %s",
		name, i.plugin, i.plugin, strings.Join(grant, ","))
}

// notInSettings is the refusal of something that no setting of the kind names.
func (i *Instance) notInSettings(what, tunnel string, kind pb.SettingKind) error {
	i.gate.denials.add(i.plugin, deniedBySettings)
	return refuse(api.ErrPermission, "%s is not in the settings of tunnel %s: name it in [tunnels.%s], in a setting of kind %s",
		what, tunnel, tunnel, strings.ToLower(strings.ReplaceAll(kind.String(), "_", " ")))
}
