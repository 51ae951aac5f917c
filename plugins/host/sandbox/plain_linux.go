package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// placePlain is what can be done without namespaces: the binary is copied into the process's folder, and its sockets are there.
func (j *jail) placePlain() error {
	j.missing("%s", whyNoNamespaces())
	j.missing("Without them it can connect to unix sockets of the user who runs clove, sees its processes, and its children can outlive it.")
	if j.Probe {
		j.sockets = -1
		return nil
	}
	j.folder, j.tmp = filepath.Join(j.Folder, "s"), filepath.Join(j.Folder, "t")
	for _, folder := range []string{j.folder, j.tmp, filepath.Join(j.Folder, "b")} {
		if err := os.Mkdir(folder, 0o700); err != nil && !os.IsExist(err) {
			return err
		}
	}
	j.path = filepath.Join(j.Folder, "b", j.Name)
	if err := os.Remove(j.path); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := j.copyBinary(j.path); err != nil {
		return err
	}
	var err error
	j.sockets, err = openFolder(j.folder)
	return err
}

// restrictFiles lets it read the system's folders and use its own, with Landlock (Linux 5.13).
func (j *jail) restrictFiles() {
	if err := j.landlock(); err != nil {
		j.missing("The kernel has no Landlock (%v): it can read and write all files of the user who runs clove, the keys too.", err)
		return
	}
	j.capability.Files = true
}

func (j *jail) landlock() error {
	version, err := systemCall("landlock", unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if err != nil {
		return err
	}
	// Version 1 knows 13 rights; REFER, TRUNCATE, IOCTL_DEV came with 2, 3 and 5.
	const read = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_EXECUTE
	all := uint64(unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1)
	var attr struct{ accessFS, accessNet, scoped uint64 } // struct landlock_ruleset_attr
	size := uintptr(8)
	if version >= 2 {
		all |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		all |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 5 {
		all |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= 6 {
		attr.accessNet = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		attr.scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
		size = 24
	}
	attr.accessFS = all
	fd, err := systemCall("landlock", unix.SYS_LANDLOCK_CREATE_RULESET, pointer(&attr), size, 0)
	if err != nil {
		return err
	}
	defer unix.Close(int(fd))
	allow := func(path string, access uint64) error {
		st, err := os.Stat(path)
		if err != nil {
			return nil // not on this system
		}
		if !st.IsDir() {
			access &= unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE
		}
		at, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("open", err)
		}
		defer unix.Close(at)
		rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(at)}
		_, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, fd, unix.LANDLOCK_RULE_PATH_BENEATH, pointer(&rule), 0, 0, 0)
		if e != 0 {
			return fmt.Errorf("landlock %s: %w", path, e)
		}
		return nil
	}
	for _, p := range append([]string{filepath.Dir(j.path)}, systemPaths...) {
		if err := allow(p, read); err != nil {
			return err
		}
	}
	for _, d := range devices {
		if err := allow("/dev/"+d, unix.LANDLOCK_ACCESS_FS_READ_FILE|unix.LANDLOCK_ACCESS_FS_WRITE_FILE); err != nil {
			return err
		}
	}
	for _, p := range []string{j.folder, j.tmp} {
		if err := allow(p, all&^unix.LANDLOCK_ACCESS_FS_EXECUTE); err != nil {
			return err
		}
	}
	_, err = systemCall("landlock", unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0)
	return err
}

// whyNoNamespaces names the switch that forbids them, where it is a known one.
func whyNoNamespaces() string {
	is := func(path, value string) bool {
		b, err := os.ReadFile(path)
		return err == nil && string(b) == value+"\n"
	}
	const none = "This machine does not let clove make namespaces: "
	switch {
	case is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"):
		return none + "allow it with an AppArmor profile for clove that has \"userns,\", or with sysctl kernel.apparmor_restrict_unprivileged_userns=0."
	case is("/proc/sys/kernel/unprivileged_userns_clone", "0"):
		return none + "allow it with sysctl kernel.unprivileged_userns_clone=1."
	case is("/proc/sys/user/max_user_namespaces", "0"):
		return none + "allow it with sysctl user.max_user_namespaces=1000."
	}
	return none + "allow user namespaces, or in a container the calls clone and mount."
}
