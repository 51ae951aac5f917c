package ntcp2

import (
	"archive/zip"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// hybridI2pd runs an i2pd with one hybrid handshake (its ntcp2.version) on loopback and returns its RouterInfo.
func hybridI2pd(t *testing.T, program string, version int) *i2p.RouterInfo {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	conf := fmt.Sprintf(`log = file
logfile = %[1]s/i2pd.log
loglevel = debug
netid = %[2]d
ipv4 = true
ipv6 = false
host = 127.0.0.1
address4 = 127.0.0.1
port = %[3]d
nat = false
reservedrange = false
floodfill = true
bandwidth = X
[ntcp2]
enabled = true
published = true
version = %[4]d
[ssu2]
enabled = false
published = false
[reseed]
urls =
yggurls =
zipfile = %[1]s/seed.zip
verify = false
[addressbook]
enabled = false
[nettime]
enabled = false
[http]
enabled = false
[httpproxy]
enabled = false
[socksproxy]
enabled = false
[sam]
enabled = false
`, dir, testNetwork, port, version)
	for _, d := range []string{"certificates", "tunnels.d"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// It does not start before it knows a router; this one is not there.
	seed := newRouter(t, nil)
	seed.transport.Close()
	f, err := os.Create(filepath.Join(dir, "seed.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("routerInfo-" + seed.self().Hash().String() + ".dat")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(seed.self().Bytes())
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "i2pd.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--datadir="+dir, "--conf="+filepath.Join(dir, "i2pd.conf"), "--tunconf="+filepath.Join(dir, "tunnels.conf"),
		"--tunnelsdir="+filepath.Join(dir, "tunnels.d"), "--certsdir="+filepath.Join(dir, "certificates"), "--pidfile="+filepath.Join(dir, "i2pd.pid"))
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CLOVE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			b, _ := os.ReadFile(filepath.Join(dir, "i2pd.log"))
			t.Logf("%s", b[max(0, len(b)-8000):])
		}
	})
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		b, err := os.ReadFile(filepath.Join(dir, "router.info"))
		if err != nil {
			continue
		}
		ri, _, err := i2p.ParseRouterInfo(b)
		if err != nil {
			continue
		}
		for _, a := range ri.Addresses() {
			conn, err := net.Dial("tcp", a.AddrPort().String())
			if err != nil || !isNTCP2(a) {
				continue
			}
			conn.Close()
			return ri
		}
	}
	t.Fatal("i2pd does not listen")
	return nil
}

// loopbackOnly: nothing of this may reach another machine.
func loopbackOnly(t *testing.T) {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 {
			t.Skipf("interface %s is up: run this in a network namespace that has loopback only", i.Name)
		}
	}
}

// The first i2pd with these handshakes is 2.59, if its OpenSSL is 3.5 or later; the one that Debian 12 has is older. So this
// test is for whoever names one.
func TestHybridInteropWithI2pd(t *testing.T) {
	program := os.Getenv("CLOVE_HYBRID_I2PD")
	if program == "" {
		t.Skip("CLOVE_HYBRID_I2PD does not name an i2pd with post-quantum NTCP2 (2.59 and OpenSSL 3.5)")
	}
	loopbackOnly(t)
	for version, p := range map[int]mlkem.Params{2: 0, 3: mlkem.MLKEM512, 4: mlkem.MLKEM768, 5: mlkem.MLKEM1024} {
		t.Run(cryptoName(p), func(t *testing.T) {
			peer := hybridI2pd(t, program, version)
			at := func(host string) func(*Config, *Deps) {
				return func(c *Config, _ *Deps) {
					c.Listen = []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr(host), 0)}
					c.PostQuantum = allSizes()
					if p != 0 {
						c.PostQuantum = []mlkem.Params{p}
					}
				}
			}
			a, b := newRouter(t, at("127.0.0.2")), newRouter(t, at("127.0.0.3"))
			a.sign(map[string]string{"router.version": "0.9.70"})
			b.sign(map[string]string{"router.version": "0.9.70"})
			a.serve()
			b.serve()
			open := func(r *router) transport.Session {
				s, err := r.transport.Dial(t.Context(), peer)
				if err != nil {
					t.Fatal(err)
				}
				<-r.opened
				if got := s.Status().Crypto; got != cryptoName(p) {
					t.Fatalf("session with %s", got)
				}
				return s
			}
			send := func(s transport.Session, body i2np.Body) {
				s.Send([]*buf.Buf{buf.From(i2np.Encode(i2np.NewHeader(body.Type(), time.Now()), body))})
			}
			// We dial: i2pd answers a lookup of its own RouterInfo.
			s := open(a)
			send(s, i2np.DatabaseLookup{Key: peer.Hash(), From: a.keys.Identity.Hash(), LookupType: i2np.LookupRouterInfo})
			for {
				h, body, err := i2np.ParseShort(receive(t, a.messages))
				if err != nil {
					t.Fatal(err)
				}
				if h.Type != i2np.TypeDatabaseStore {
					continue
				}
				if m, err := i2np.ParseDatabaseStore(body); err == nil && m.Key == peer.Hash() {
					break
				}
			}
			// i2pd dials us, to answer in another session than it was asked; now and then with the plain handshake on purpose.
			ask := open(b)
			hybrid := 0
			for try := 0; try < 40 && hybrid < 3; try++ {
				s.Close(transport.ReasonNormal)
				receive(t, a.closed)
				hash := a.keys.Identity.Hash()
				for len(a.opened) == 0 {
					send(ask, i2np.DatabaseLookup{Key: peer.Hash(), From: hash, LookupType: i2np.LookupRouterInfo})
					time.Sleep(200 * time.Millisecond)
				}
				s = receive(t, a.opened)
				switch got := s.Status().Crypto; {
				case s.Direction() != transport.Inbound:
					t.Fatal("not inbound")
				case got == cryptoName(p):
					hybrid++
				case got != "X25519":
					t.Fatalf("session with %s", got)
				}
				if ri := receive(t, a.infos); ri.Hash() != peer.Hash() {
					t.Fatal("another peer")
				}
				receive(t, a.messages)
			}
			if hybrid < 3 {
				t.Errorf("i2pd opened %d sessions with %s", hybrid, cryptoName(p))
			}
		})
	}
}
