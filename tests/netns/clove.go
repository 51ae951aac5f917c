//go:build linux

package netns

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Config is what all clove processes of a network have in their configuration.
type Config struct {
	Dir         string   // data_dir
	Listen      string   // of the transports
	Transports  []string // "ntcp2", "ssu2"; none: both
	Seeds       []string // router.info files
	Length      int      // of the tunnels
	HTTP, SOCKS string   // where the proxies listen
}

// String is the configuration file. Its keys are dotted, so that more lines of that kind may follow.
func (c Config) String() string {
	seeds := make([]string, len(c.Seeds))
	for i, s := range c.Seeds {
		seeds[i] = fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf(`data_dir = %q
log.level = "info"
router.network_id = %d
router.allow_private_peers = true
router.bandwidth.inbound = "unlimited"
router.bandwidth.outbound = "unlimited"
router.ntcp2.enabled = %t
router.ssu2.enabled = %t
router.ntcp2.listen = %q
router.reseed.files = [%s]
router.tunnels.length = %d
proxies.http.listen = %q
proxies.socks.listen = %q
`, c.Dir, NetworkID, c.uses("ntcp2"), c.uses("ssu2"), c.Listen, strings.Join(seeds, ", "), c.Length, c.HTTP, c.SOCKS)
}

func (c Config) uses(transport string) bool {
	return len(c.Transports) == 0 || slices.Contains(c.Transports, transport)
}

// Ready is the line that `clove run` and `clove serve` print with --json.
type Ready struct {
	HTTPProxy  string `json:"http_proxy"`
	SOCKSProxy string `json:"socks_proxy"`
	RouterHash string `json:"router_hash"`
	Eepsite    string `json:"eepsite"`
}

// StartClove starts a clove program with --json among its arguments. The channel gets the line that it prints when it
// is ready, and is closed then, or without a line if there comes none.
func StartClove(logFile, program string, args ...string) (*Process, <-chan Ready, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("netns: %w", err)
	}
	defer w.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout = w
	p, err := Start(cmd, logFile)
	if err != nil {
		r.Close()
		return nil, nil, err
	}
	lines := make(chan Ready, 1)
	go func() {
		defer r.Close()
		defer close(lines)
		var ready Ready
		if line, err := bufio.NewReader(r).ReadBytes('\n'); err == nil && json.Unmarshal(line, &ready) == nil {
			lines <- ready
		}
	}()
	return p, lines, nil
}
