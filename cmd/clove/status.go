package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/control"
)

func newStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What a running clove is doing",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := remote(cmd)
			if err != nil {
				return err
			}
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(s)
			}
			printStatus(cmd.OutOrStdout(), s)
			return nil
		},
	}
	addRemoteFlags(cmd, &asJSON)
	return cmd
}

func printStatus(w io.Writer, s control.Status) {
	progress := "building tunnels"
	if s.Ready {
		progress = "ready"
	}
	fmt.Fprintf(w, "Router     %s  (%s, up %s)\n", s.RouterHash, progress, time.Duration(s.UptimeSeconds*float64(time.Second)).Round(time.Second))
	fmt.Fprintf(w, "Network    id %d, protocol version %s, capabilities %s\n", s.NetworkID, s.Version, s.Caps)
	if u := s.Upstream; u != nil {
		fmt.Fprintf(w, "Upstream   %s\n", u.Proxy)
		if u.Error != "" {
			fmt.Fprintf(w, "           -> %s\n", u.Error)
		}
	}
	for _, a := range s.Addresses {
		switch {
		case a.Host != "":
			fmt.Fprintf(w, "Address    %s %s port %d\n", a.Style, a.Host, a.Port)
		case a.Introducers > 0:
			fmt.Fprintf(w, "Address    %s, through %d routers that introduce others\n", a.Style, a.Introducers)
		default:
			fmt.Fprintf(w, "Address    %s, not published\n", a.Style)
		}
	}
	for _, l := range s.Listening {
		fmt.Fprintf(w, "Listens    %s %s, %s\n", l.Network, l.Address, l.Style)
	}
	printReachability(w, s)
	for _, m := range s.PortMappings {
		switch {
		case m.Error != "":
			fmt.Fprintf(w, "Port       %s is not forwarded: %s\n", m.Port, m.Error)
		case m.External == "":
			fmt.Fprintf(w, "Port       %s is not forwarded now\n", m.Port)
		default:
			fmt.Fprintf(w, "Port       %s is forwarded from %s by %s\n", m.Port, m.External, m.Protocol)
		}
		if m.External != "" && !m.Public {
			fmt.Fprintf(w, "           -> that is no address of the internet: another router or the provider forwards nothing\n")
		}
	}
	fmt.Fprintf(w, "NetDb      %d routers, %d floodfills, %d lease sets\n", s.Stats.NetDB.Routers, s.Stats.NetDB.Floodfills, s.Stats.NetDB.LeaseSets)
	fmt.Fprintf(w, "Sessions   %s\n", sessionCounts(s.Sessions))
	for _, t := range s.Stats.Transport.Styles {
		fmt.Fprintf(w, "           %s: %d of ours, %d of others, at most %d; %d of %d dials failed\n", t.Style, t.Outbound, t.Inbound, t.Limit, t.Failures, t.Dials)
	}
	if n := len(s.Bans); n > 0 {
		fmt.Fprintf(w, "Banned     %d routers: %s\n", n, banReasons(s.Bans))
	}
	fmt.Fprintf(w, "Transit    %d tunnels\n", s.Transit.Tunnels)
	for _, name := range slices.Sorted(maps.Keys(s.Proxies)) {
		p := s.Proxies[name]
		fmt.Fprintf(w, "Proxy      %s: %d connections, %d requests, %d bytes out, %d in\n", name, p.Active, p.Requests, p.Sent, p.Received)
	}
	if s.Sandbox != nil {
		fmt.Fprintf(w, "Plugins    %s\n", s.Sandbox)
	}
	for _, t := range s.Tunnels {
		fmt.Fprintf(w, "Tunnel     %s: %s, %s, %d connections %s\n", t.Name, t.Type, state(t), t.Open, t.Address)
	}
	fmt.Fprintf(w, "\nExploratory tunnels\n")
	printTunnels(w, s.Exploratory)
	for _, d := range s.Destinations {
		fmt.Fprintf(w, "\nDestination %s, %d streams\n", d.Address, d.Streams)
		printTunnels(w, d.Tunnels)
	}
}

// printReachability says for each IP version whether others reach us, why we think so, and what to do about it.
func printReachability(w io.Writer, s control.Status) {
	tested := false
	for _, r := range s.Reachability {
		if r.State == "disabled" {
			continue
		}
		tested = true
		fmt.Fprintf(w, "%s       %s: %s\n", r.Family, r.State, r.Reason)
		if r.Next != "" {
			fmt.Fprintf(w, "           -> %s\n", r.Next)
		}
	}
	if !tested {
		fmt.Fprintln(w, "Reached    not tested: SSU2 is off")
	}
}

// sessionCounts says how many sessions there are of each style and key exchange.
func sessionCounts(all []control.Session) string {
	kinds := map[string]int{}
	for _, s := range all {
		kinds[fmt.Sprintf("%s with %s", s.Style, s.Crypto)]++
	}
	return counts(kinds, "over ")
}

// banReasons says how many were banned for what.
func banReasons(all []control.Ban) string {
	reasons := map[string]int{}
	for _, b := range all {
		reasons[b.Reason]++
	}
	return counts(reasons, "for ")
}

func counts(all map[string]int, before string) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, fmt.Sprintf("%d %s%s", all[what], before, what))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func printTunnels(w io.Writer, tunnels []control.Tunnel) {
	if len(tunnels) == 0 {
		fmt.Fprintln(w, "  none yet")
	}
	for _, t := range tunnels {
		path := "no hops"
		if len(t.Hops) > 0 {
			path = strings.Join(t.Hops, " > ")
		}
		tested := "not tested"
		if t.Tested {
			tested = fmt.Sprintf("tested, %.0f ms", t.LatencyMS)
		}
		fmt.Fprintf(w, "  %-8s %d hops, %3.0f s left, %s: %s\n", t.Direction, len(t.Hops), t.ExpiresIn, tested, path)
	}
}
