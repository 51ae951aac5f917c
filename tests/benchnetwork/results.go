//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"clove.i2p/tests/bench"
)

// results of a run, as JSON.
type results struct {
	Versions  []string           `json:"versions"`
	CPUs      int                `json:"cpus"`
	Size      int                `json:"size_mb"`
	Load      string             `json:"load_before"`
	LoadAfter string             `json:"load_after"`
	IdleRSS   map[string]float64 `json:"idle_rss_mb"`
	RSSAfter  map[string]float64 `json:"rss_after_mb"`
	Loopback  float64            `json:"loopback_mb_s"`
	Lengths   []line             `json:"lengths"`
}

// A line is one tunnel length with one number of streams. CPU is in milliseconds per MB.
type line struct {
	Hops       int       `json:"hops"`
	Streams    int       `json:"streams"`
	TTFB       float64   `json:"ttfb_ms"`
	TTFB90     float64   `json:"ttfb_p90_ms"`
	TTFBs      []float64 `json:"ttfbs_ms,omitempty"` // sorted
	RTT        float64   `json:"rtt_ms"`
	Speed      float64   `json:"mb_s"`
	Slowest    float64   `json:"mb_s_min"`
	Fastest    float64   `json:"mb_s_max"`
	Client     float64   `json:"cpu_client"`
	Server     float64   `json:"cpu_server"`
	Transit    float64   `json:"cpu_transit"`
	ClientRSS  float64   `json:"rss_client_mb,omitempty"`
	ServerRSS  float64   `json:"rss_server_mb,omitempty"`
	TransitRSS float64   `json:"rss_transit_mb,omitempty"`
	Datagrams  float64   `json:"datagrams_mb"` // per MB
	Complete   bool      `json:"complete"`
	Runs       []sample  `json:"runs"`
}

// A sample is one download.
type sample struct {
	MB       float64 `json:"mb"`
	Seconds  float64 `json:"seconds"`
	Speed    float64 `json:"mb_s"`
	Client   float64 `json:"cpu_client"`
	Server   float64 `json:"cpu_server"`
	Transit  float64 `json:"cpu_transit"`
	Complete bool    `json:"complete"`
	Dropped  uint64  `json:"dropped"`
	Resent   uint64  `json:"resent"`

	Datagrams uint64 `json:"datagrams"` // of UDP, sent by all; a train that goes to the kernel as one is one
	UDPLost   uint64 `json:"udp_lost"`  // for want of room in the kernel's buffers
}

// perHop is the CPU of each of the hops that carry the data.
func (l line) perHop() float64 {
	if l.Hops == 0 {
		return 0
	}
	return l.Transit / float64(2*l.Hops)
}

func (l *line) summarize() {
	of := func(f func(sample) float64) float64 {
		var all []float64
		for _, r := range l.Runs {
			all = append(all, f(r))
		}
		return bench.Median(all)
	}
	l.Speed = of(func(s sample) float64 { return s.Speed })
	l.Client = of(func(s sample) float64 { return s.Client })
	l.Server = of(func(s sample) float64 { return s.Server })
	l.Transit = of(func(s sample) float64 { return s.Transit })
	l.Datagrams = of(func(s sample) float64 { return float64(s.Datagrams) / s.MB })
	l.Complete, l.Slowest, l.Fastest = true, l.Speed, l.Speed
	for _, r := range l.Runs {
		l.Complete = l.Complete && r.Complete
		l.Slowest, l.Fastest = min(l.Slowest, r.Speed), max(l.Fastest, r.Speed)
	}
}

func (r results) printHead(w io.Writer) {
	fmt.Fprintf(w, "%s; %d processors, load %s; %d MB per download\n", strings.Join(r.Versions, ", "), r.CPUs, r.Load, r.Size)
	fmt.Fprintf(w, "idle RSS MB   %v\n", r.IdleRSS)
	fmt.Fprintf(w, "loopback      %.0f MB/s\n", r.Loopback)
	fmt.Fprintf(w, "%4s %7s %8s %7s %7s %7s %13s %10s %7s %8s %8s  ms/MB %16s %7s %7s %7s %7s\n", "hops", "streams", "ttfb ms", "p90", "rtt ms",
		"MB/s", "min-max", "cpu client", "server", "transit", "per hop", "RSS MB c/s/t", "drops", "resent", "UDP/MB", "lost")
}

func (l line) print(w io.Writer) {
	var dropped, resent, lost uint64
	for _, r := range l.Runs {
		dropped += r.Dropped
		resent += r.Resent
		lost += r.UDPLost
	}
	note := ""
	if !l.Complete {
		note = "  cut off"
	}
	fmt.Fprintf(w, "%4d %7d %8.1f %7.1f %7.1f %7.2f %6.2f-%6.2f %10.1f %7.1f %8.1f %8.1f        %16s %7d %7d %7.0f %7d%s\n", l.Hops, l.Streams, l.TTFB,
		l.TTFB90, l.RTT, l.Speed, l.Slowest, l.Fastest, l.Client, l.Server, l.Transit, l.perHop(),
		fmt.Sprintf("%.0f/%.0f/%.0f", l.ClientRSS, l.ServerRSS, l.TransitRSS), dropped, resent, l.Datagrams, lost, note)
}

func (r results) write(file string) error {
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// A reference is a result to compare with.
type reference struct {
	name  string
	lines []line
}

// readReference reads [STREAMS=]FILE. Results that do not say how many streams they had get that number.
func readReference(s string) (reference, error) {
	streams := 1
	if n, file, ok := strings.Cut(s, "="); ok {
		k, err := strconv.Atoi(n)
		if err != nil || k < 1 {
			return reference{}, fmt.Errorf("%q: want STREAMS=FILE", s)
		}
		streams, s = k, file
	}
	b, err := os.ReadFile(s)
	if err != nil {
		return reference{}, err
	}
	var in struct {
		Versions []string `json:"versions"`
		Lengths  []line   `json:"lengths"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return reference{}, fmt.Errorf("%s: %w", s, err)
	}
	for i := range in.Lengths {
		if in.Lengths[i].Streams == 0 {
			in.Lengths[i].Streams = streams
		}
	}
	return reference{strings.Join(in.Versions, ", "), in.Lengths}, nil
}

// printCompared prints ours next to theirs, with the factor by which ours is faster or cheaper.
func (r results) printCompared(w io.Writer, all []reference) {
	for _, ref := range all {
		fmt.Fprintf(w, "\nbeside %s (factor > 1: ours is faster or cheaper)\n", ref.name)
		fmt.Fprintf(w, "%4s %7s %24s %24s %24s %24s %24s\n", "hops", "streams", "MB/s", "ttfb ms", "cpu per hop", "cpu client", "cpu server")
		for _, theirs := range ref.lines {
			for _, ours := range r.Lengths {
				if ours.Hops != theirs.Hops || ours.Streams != theirs.Streams {
					continue
				}
				fmt.Fprintf(w, "%4d %7d %24s %24s %24s %24s %24s\n", ours.Hops, ours.Streams,
					versus(ours.Speed, theirs.Speed, ours.Speed/theirs.Speed), versus(ours.TTFB, theirs.TTFB, theirs.TTFB/ours.TTFB),
					versus(ours.perHop(), theirs.perHop(), theirs.perHop()/ours.perHop()),
					versus(ours.Client, theirs.Client, theirs.Client/ours.Client), versus(ours.Server, theirs.Server, theirs.Server/ours.Server))
			}
		}
	}
}

func versus(ours, theirs, factor float64) string {
	return fmt.Sprintf("%.1f : %.1f  x%.1f", ours, theirs, factor)
}
