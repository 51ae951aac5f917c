package gate_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

func site(t *testing.T) (root string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "site")
	for path, text := range map[string]string{"index.html": "<h1>hello</h1>", "img/a.txt": "a", "../secret": "secret", "../site-secret/key": "key"} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"inside": "img/a.txt", "outside": "../secret", "absolute": "/etc/passwd", "up": "..", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestOpenFileReadsWhatTheSettingsName(t *testing.T) {
	b := newBed(t)
	root := site(t)
	one := filepath.Join(root, "index.html")
	b.tunnel("t", func(s *gate.TunnelSpec) { s.Grants.Folders, s.Grants.Files = []string{root}, []string{one} })
	p := b.start("t")
	read := func(r *pb.OpenFileRequest) string {
		t.Helper()
		r.Tunnel = "t"
		f, err := p.OpenFile(b.ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p.redeem(f.Ticket))
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	for _, c := range []struct {
		want string
		r    *pb.OpenFileRequest
	}{
		{"<h1>hello</h1>", &pb.OpenFileRequest{Root: root, Path: "index.html"}},
		{"<h1>hello</h1>", &pb.OpenFileRequest{Root: one}},
		{"hello</h1>", &pb.OpenFileRequest{Root: one, Offset: 4}},
		{"", &pb.OpenFileRequest{Root: one, Offset: 1000}},
		{"a", &pb.OpenFileRequest{Root: root, Path: "inside"}},
	} {
		if got := read(c.r); got != c.want {
			t.Errorf("%v: got %q, want %q", c.r, got, c.want)
		}
	}
	info, err := p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: root, Path: "index.html", InfoOnly: true})
	if err != nil || info.Size != 14 || info.Ticket != nil || info.Folder || info.Name != "index.html" || info.ModifiedUnixMs == 0 {
		t.Errorf("info %v, %v", info, err)
	}
	list, err := p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: root})
	if err != nil || !list.Folder || list.Ticket != nil {
		t.Fatalf("folder %v, %v", list, err)
	}
	var names []string
	for _, e := range list.Entries {
		names = append(names, fmt.Sprint(e.Name, " ", e.Folder, " ", e.Size))
	}
	if got, want := strings.Join(names, ", "), "img true 0, index.html false 14, inside false 1"; got != want {
		t.Errorf("entries %q, want %q: nothing that leads out, and no pipe", got, want)
	}
	if sub, err := p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: root, Path: "img"}); err != nil || len(sub.Entries) != 1 || sub.Entries[0].Name != "a.txt" {
		t.Errorf("folder below: %v, %v", sub, err)
	}
	if rows := b.gate.Connections(""); len(rows) != 0 {
		eventually(t, "files are closed", func() bool { return len(b.gate.Connections("")) == 0 })
	}
}

func TestOpenFileLeadsNowhereElse(t *testing.T) {
	b := newBed(t)
	root := site(t)
	b.tunnel("t", func(s *gate.TunnelSpec) {
		s.Grants.Folders, s.Grants.Files = []string{root}, []string{filepath.Join(root, "index.html"), filepath.Join(root, "img"), filepath.Join(root, "fifo")}
	})
	p := b.start("t")
	for _, path := range []string{"../secret", "..", "img/../../secret", "outside", "absolute", "up", "up/secret", "up/site-secret/key", "loop", "/etc/passwd", "index.html/x", "none", "img//a.txt",
		"./index.html", "img/..", "a\x00b", strings.Repeat("a/", 1000) + "a"} {
		_, err := p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: root, Path: path})
		if err == nil {
			t.Errorf("%q was opened", path)
		}
		wantErr(t, err, api.ErrUnknownHost)
	}
	for _, r := range []*pb.OpenFileRequest{{Root: root, Path: "fifo"}, {Root: filepath.Join(root, "fifo")}, {Root: filepath.Join(root, "img")}, {Root: root, Offset: -1},
		{Root: root, Path: strings.Repeat("a", 5000)}, {Root: filepath.Join(root, "index.html"), Path: "x"}} {
		r.Tunnel = "t"
		_, err := p.OpenFile(b.ctx, r)
		wantErr(t, err, api.ErrInvalid)
	}
	for _, other := range []string{filepath.Dir(root), root + "/", root + "/img/..", "/etc/passwd", "", "site"} {
		_, err := p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: other})
		wantErr(t, err, api.ErrPermission, "[tunnels.t]")
	}
}

func TestFolderThatIsTooLargeIsAnError(t *testing.T) {
	b := newBed(t)
	root := t.TempDir()
	for n := range 4097 {
		if err := os.WriteFile(filepath.Join(root, fmt.Sprint(n)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.tunnel("t", func(s *gate.TunnelSpec) { s.Grants.Folders = []string{root} })
	p := b.start("t")
	_, err := p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: root})
	wantErr(t, err, api.ErrLimit, "4096")
	if err := os.Remove(filepath.Join(root, "0")); err != nil {
		t.Fatal(err)
	}
	if f, err := p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: root}); err != nil || len(f.Entries) != 4096 {
		t.Errorf("%d entries, %v", len(f.GetEntries()), err)
	}
}

func TestLargeFileArrivesWhole(t *testing.T) {
	b := newBed(t)
	want := make([]byte, 5<<20)
	_, _ = rand.Read(want)
	path := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(path, want, 0o644); err != nil {
		t.Fatal(err)
	}
	b.tunnel("t", func(s *gate.TunnelSpec) { s.Grants.Files = []string{path} })
	p := b.start("t")
	f, err := p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: path, Offset: 7})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(p.redeem(f.Ticket))
	if err != nil || !bytes.Equal(got, want[7:]) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	// A plugin that closes early holds nothing.
	f, err = p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: path})
	if err != nil {
		t.Fatal(err)
	}
	conn := p.redeem(f.Ticket)
	_, _ = conn.Read(make([]byte, 1))
	_ = conn.Close()
	eventually(t, "the file is closed", func() bool { return len(b.gate.Connections("")) == 0 })
}
