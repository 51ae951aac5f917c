package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The shim's own view while it builds: everything under a tmpfs over /tmp, which becomes / twice.
const (
	stage   = "/tmp"
	oldRoot = "/old"
	newRoot = "/new"
)

// systemPaths are what a loader, its libraries and interpreters need, read-only. None of them holds what is a user's: no /home,
// /root, /var, /run, /tmp, no /etc but what is named here.
var systemPaths = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path", "/etc/alternatives",
	"/etc/python3", "/etc/python3.9", "/etc/python3.10", "/etc/python3.11", "/etc/python3.12", "/etc/python3.13", "/etc/python3.14",
}

// maskedPaths can hold passwords of local programs, or sockets, and are covered.
var maskedPaths = []string{"/usr/local/etc", "/usr/local/var", "/usr/local/share/ca-certificates"}

// devices have no zero: a shared mapping of it is memory that no limit counts.
var devices = []string{"null", "full", "random", "urandom"}

// placeInside builds a root in the new mount namespace and moves there.
//
//	/plugin/NAME              the binary; / is read-only
//	/run/clove/*.sock         the two sockets of clove
//	/run/plugin, /tmp         the child's own, small
//	/usr, /lib ...            of the system, read-only, unless the binary is static
//	/proc                     of its own process namespace, only processes
//	/dev                      null, full, random, urandom
func (j *jail) placeInside() error {
	if err := j.enterStage(); err != nil {
		return err
	}
	size := fmt.Sprintf("size=%d,nr_inodes=1024,mode=0755", j.Size+rootSlack)
	if err := mount("tmpfs", newRoot, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, size); err != nil {
		return err
	}
	for _, step := range []func() error{j.placeSystem, placeDevices, j.placeProc, j.placeOwn, j.placeSockets} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := os.Mkdir(newRoot+binaryFolder, 0o755); err != nil {
		return err
	}
	j.path = filepath.Join(binaryFolder, j.Name)
	if err := j.copyBinary(newRoot + j.path); err != nil {
		return err
	}
	fd, err := openFolder(newRoot + socketFolder)
	if err != nil {
		return err
	}
	if err := readOnly(newRoot, 0); err != nil {
		return err
	}
	j.sockets, j.folder, j.tmp = fd, socketFolder, "/tmp"
	j.capability.Namespaces, j.capability.Files = true, true
	return leaveStage()
}

// enterStage makes /tmp the root, with the old one under it, so that nothing that is mounted shows outside, and every path can be
// both there and here.
func (j *jail) enterStage() error {
	if err := mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := mount("tmpfs", stage, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=64k,mode=0755"); err != nil {
		return err
	}
	if err := errors.Join(os.Mkdir(stage+oldRoot, 0o755), os.Mkdir(stage+newRoot, 0o755)); err != nil {
		return err
	}
	if err := unix.PivotRoot(stage, stage+oldRoot); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	return os.Chdir("/")
}

// leaveStage makes the new root the root, and lets go of everything else.
func leaveStage() error {
	if err := os.Chdir(newRoot); err != nil {
		return err
	}
	// The old root is then stacked on the new one, where "." still names it.
	if err := unix.PivotRoot(".", "."); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return os.NewSyscallError("umount", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return os.NewSyscallError("sethostname", unix.Sethostname([]byte("plugin")))
}

func (j *jail) placeSystem() error {
	if !j.System {
		return nil
	}
	for _, p := range systemPaths {
		st, err := os.Lstat(oldRoot + p)
		if err != nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(newRoot+p), 0o755); err != nil {
			return err
		}
		if st.Mode()&os.ModeSymlink != 0 { // /bin -> usr/bin
			target, err := os.Readlink(oldRoot + p)
			if err == nil {
				err = os.Symlink(target, newRoot+p)
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := bind(oldRoot+p, newRoot+p, st.IsDir()); err != nil {
			return err
		}
	}
	for _, p := range maskedPaths {
		if st, err := os.Lstat(newRoot + p); err == nil && st.IsDir() {
			if err := mount("tmpfs", newRoot+p, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "size=4k"); err != nil {
				return err
			}
		}
	}
	for _, p := range systemPaths {
		if st, err := os.Lstat(newRoot + p); err == nil && st.Mode()&os.ModeSymlink == 0 {
			if err := readOnly(newRoot+p, unix.AT_RECURSIVE); err != nil {
				return err
			}
		}
	}
	return nil
}

func placeDevices() error {
	if err := os.Mkdir(newRoot+"/dev", 0o755); err != nil {
		return err
	}
	for _, d := range devices {
		if err := bind(oldRoot+"/dev/"+d, newRoot+"/dev/"+d, false); err != nil {
			return err
		}
	}
	return errors.Join(os.Symlink("/proc/self/fd", newRoot+"/dev/fd"), os.Symlink("/proc/self/fd/0", newRoot+"/dev/stdin"),
		os.Symlink("/proc/self/fd/1", newRoot+"/dev/stdout"), os.Symlink("/proc/self/fd/2", newRoot+"/dev/stderr"))
}

// placeProc mounts the processes of the new namespace. A container may forbid it; then the child does without.
func (j *jail) placeProc() error {
	if err := os.Mkdir(newRoot+"/proc", 0o755); err != nil {
		return err
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY
	if mount("proc", newRoot+"/proc", "proc", flags, "subset=pid") == nil {
		return nil
	}
	_ = mount("proc", newRoot+"/proc", "proc", flags, "")
	return nil
}

// placeOwn makes what the child can write: small, because it is memory that no other limit counts.
func (j *jail) placeOwn() error {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	owner := ""
	if j.Mode == modeSplit {
		owner = fmt.Sprintf(",uid=%d,gid=%d", innerUser, innerUser)
	}
	for _, m := range []struct{ path, options string }{
		{"/tmp", fmt.Sprintf("size=%d,nr_inodes=%d", tmpSize, tmpInodes)},
		{socketFolder, fmt.Sprintf("size=%d,nr_inodes=%d", socketSize, socketInode)},
	} {
		if err := os.MkdirAll(newRoot+m.path, 0o755); err != nil {
			return err
		}
		if err := mount("tmpfs", newRoot+m.path, "tmpfs", flags, m.options+",mode=0700"+owner); err != nil {
			return err
		}
	}
	return nil
}

func (j *jail) placeSockets() error {
	if j.HostSocket == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(newRoot+hostSocket), 0o755); err != nil {
		return err
	}
	if err := errors.Join(bind(oldRoot+j.HostSocket, newRoot+hostSocket, false), bind(oldRoot+j.DataSocket, newRoot+dataSocket, false)); err != nil {
		return err
	}
	j.HostSocket, j.DataSocket = hostSocket, dataSocket
	return nil
}

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", kind, target, err)
	}
	return nil
}

// bind shows source at target, which it makes.
func bind(source, target string, folder bool) error {
	var err error
	if folder {
		err = os.Mkdir(target, 0o755)
	} else {
		err = os.WriteFile(target, nil, 0o444)
	}
	if err != nil {
		return err
	}
	return mount(source, target, "", unix.MS_BIND|unix.MS_REC, "")
}

// readOnly needs Linux 5.12: older ones cannot do it for a whole tree at once.
func readOnly(path string, flags uint) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if err := unix.MountSetattr(unix.AT_FDCWD, path, flags, &attr); err != nil {
		return fmt.Errorf("make %s read-only: %w", path, err)
	}
	return nil
}
