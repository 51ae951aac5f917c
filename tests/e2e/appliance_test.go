package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start runs a clove process in the network, with a configuration of its own behind what the network needs. It is not ready yet.
func (n *network) start(t *testing.T, toml string) *clove {
	t.Helper()
	data, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	writeConfig(t, n, data, toml)
	c := startClove(t, "run", "--json", "--data-dir", data)
	c.data = data
	return c
}

// writeConfig writes clove.toml. toml begins with sections, or with keys of [proxies].
func writeConfig(t *testing.T, n *network, data, toml string) {
	t.Helper()
	text := fmt.Sprintf("[router]\nnetwork_id = %d\nallow_private_peers = true\nntcp2.listen = \"127.0.0.1:0\"\nreseed.files = [%q]\n"+
		"tunnels = { length = 1, quantity = 2 }\n[proxies]\nhttp.listen = \"127.0.0.1:0\"\nsocks.listen = \"127.0.0.1:0\"\n%s", networkID, n.seeds, toml)
	if err := os.WriteFile(filepath.Join(data, "clove.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command runs a command of clove that speaks to this one.
func (c *clove) command(args ...string) (stdout string, err error) {
	cmd := exec.Command(program, append(args, "--data-dir", c.data)...)
	cmd.Env = environ()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("clove %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// must is command, where an error ends the test.
func (c *clove) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.command(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// query runs a command with --json and decodes what it prints.
func (c *clove) query(t *testing.T, into any, args ...string) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.must(t, append(args, "--json")...)), into); err != nil {
		t.Fatalf("clove %s: %v", strings.Join(args, " "), err)
	}
}

// A tunnel is what the tests read of clove tunnel show.
type tunnel struct {
	Name      string             `json:"name"`
	Plugin    string             `json:"plugin"`
	State     string             `json:"state"`
	Error     string             `json:"error"`
	Address   string             `json:"address"`
	Ready     bool               `json:"ready"`
	Published bool               `json:"published"`
	Local     []string           `json:"local"`
	Open      int                `json:"connections_open"`
	Total     uint64             `json:"connections_total"`
	Health    string             `json:"health"`
	Metrics   map[string]float64 `json:"metrics"`
}

// tunnel waits until a tunnel runs and can be used.
func (c *clove) tunnel(t *testing.T, name string, published bool) (found tunnel) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var out string
		if out, err = c.command("tunnel", "show", name, "--json"); err != nil {
			continue
		}
		found = tunnel{}
		if err := json.Unmarshal([]byte(out), &found); err != nil {
			t.Fatal(err)
		}
		if found.State == "running" && found.Ready && (found.Published || !published) {
			return found
		}
	}
	t.Fatalf("tunnel %s: %+v, %v", name, found, err)
	return found
}
