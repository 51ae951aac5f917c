package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/plugintest/settings"
)

var (
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	keyPattern     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	versionPattern = regexp.MustCompile(`^v?\d+(\.\d+)*([-+.][0-9A-Za-z.+-]+)?$`)
	hostKeys       = []string{"type", "enabled", "keys", "length", "quantity", "max_connections"}
)

func (s *suite) describe(ctx context.Context) (*pb.Description, error) {
	p, err := s.start(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer p.end()
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	d, err := p.plugin.Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return nil, p.died(err)
	}
	return d, checkDescription(d)
}

func checkDescription(d *pb.Description) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !namePattern.MatchString(d.Name) {
		fail("name %q: want lower-case letters, digits and -", d.Name)
	}
	if !versionPattern.MatchString(d.Version) {
		fail("version %q: want numbers with points", d.Version)
	}
	if d.Summary == "" || strings.Contains(d.Summary, "\n") {
		fail("summary %q: want one line", d.Summary)
	}
	if len(d.Types) == 0 {
		fail("it has no tunnel types")
	}
	for i, p := range d.Permissions {
		if _, known := pb.Permission_name[int32(p)]; !known || p == pb.Permission_PERMISSION_UNSPECIFIED {
			fail("permission %d is none of the contract", p)
		}
		if slices.Contains(d.Permissions[:i], p) {
			fail("permission %v is there twice", p)
		}
	}
	seen := map[string]bool{}
	for _, t := range d.Types {
		if !namePattern.MatchString(t.Name) {
			fail("type %q: want lower-case letters, digits and -", t.Name)
		}
		if seen[t.Name] {
			fail("type %q is there twice", t.Name)
		}
		seen[t.Name] = true
		if t.Summary == "" || strings.Contains(t.Summary, "\n") {
			fail("type %s: summary %q: want one line", t.Name, t.Summary)
		}
		if _, known := pb.DestinationKind_name[int32(t.Destination)]; !known {
			fail("type %s: destination %d is none of the contract", t.Name, t.Destination)
		}
		if t.Protocol != "" && !namePattern.MatchString(t.Protocol) {
			fail("type %s: protocol %q: want a word such as \"raw\", or nothing", t.Name, t.Protocol)
		}
		keys := map[string]bool{}
		for _, set := range t.Settings {
			if keys[set.Key] {
				fail("type %s: setting %q is there twice", t.Name, set.Key)
			}
			keys[set.Key] = true
			if err := checkSetting(t, set); err != nil {
				fail("type %s: setting %q: %w", t.Name, set.Key, err)
			}
		}
	}
	return errors.Join(errs...)
}

func checkSetting(t *pb.TunnelType, s *pb.Setting) error {
	text := s.Type == pb.SettingType_STRING || s.Type == pb.SettingType_STRINGS || s.Type == pb.SettingType_STRING_MAP
	_, typeKnown := pb.SettingType_name[int32(s.Type)]
	_, kindKnown := pb.SettingKind_name[int32(s.Kind)]
	switch {
	case !keyPattern.MatchString(s.Key):
		return errors.New("want lower-case letters, digits and _")
	case slices.Contains(hostKeys, s.Key):
		return errors.New("this is a setting of the host's own")
	case !typeKnown:
		return fmt.Errorf("type %d is none of the contract", s.Type)
	case !kindKnown:
		return fmt.Errorf("kind %d is none of the contract", s.Kind)
	case s.Kind != pb.SettingKind_PLAIN && !text && s.Kind != pb.SettingKind_CLEARNET_PORTS:
		return fmt.Errorf("kind %v is for texts", s.Kind)
	case len(s.Choices) > 0 && s.Type != pb.SettingType_STRING:
		return errors.New("choices are for a STRING")
	case s.Publish && (s.Type != pb.SettingType_BOOLEAN || t.Destination != pb.DestinationKind_CLIENT):
		return errors.New("publish is for a BOOLEAN of a CLIENT tunnel")
	case strings.Contains(s.Help, "\n"):
		return errors.New("help has more than one line")
	case s.Required && s.DefaultJson != "":
		return errors.New("a required setting has no default")
	case s.DefaultJson == "":
		return nil
	case !json.Valid([]byte(s.DefaultJson)):
		return fmt.Errorf("default %s is not JSON", s.DefaultJson)
	}
	if _, err := settings.Normalize(&pb.TunnelType{Settings: []*pb.Setting{s}}, nil); err != nil {
		return fmt.Errorf("default: %w", err)
	}
	return nil
}

// unknown asks for types and tunnels that are not there.
func (s *suite) unknown(ctx context.Context, d *pb.Description) error {
	p, err := s.start(ctx, d.Permissions)
	if err != nil {
		return err
	}
	defer p.end()
	var errs []error
	refused := func(what string, call func(context.Context) error) {
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		switch err := call(ctx); {
		case err == nil:
			errs = append(errs, fmt.Errorf("%s: no error", what))
		case status.Code(err) == codes.DeadlineExceeded:
			errs = append(errs, fmt.Errorf("%s: no answer in %v", what, answerTime))
		case status.Code(err) == codes.Unavailable:
			errs = append(errs, fmt.Errorf("%s: %w", what, p.died(err)))
		}
	}
	refused("Validate of an unknown type", func(ctx context.Context) error {
		r, err := p.plugin.Validate(ctx, &pb.ValidateRequest{Type: "no-such-type", Settings: []byte("{}")})
		if err == nil && len(r.Problems) > 0 {
			return errors.New("problems")
		}
		return err
	})
	refused("Start of an unknown type", func(ctx context.Context) error {
		_, err := p.plugin.Start(ctx, &pb.StartRequest{Tunnel: "x", Type: "no-such-type", Settings: []byte("{}")})
		return err
	})
	refused("Reload of an unknown tunnel", func(ctx context.Context) error {
		_, err := p.plugin.Reload(ctx, &pb.ReloadRequest{Tunnel: "no-such-tunnel", Settings: []byte("{}")})
		return err
	})
	refused("Drain of an unknown tunnel", func(ctx context.Context) error {
		_, err := p.plugin.Drain(ctx, &pb.DrainRequest{Tunnel: "no-such-tunnel", DeadlineMs: 100})
		return err
	})
	refused("Stop of an unknown tunnel", func(ctx context.Context) error {
		_, err := p.plugin.Stop(ctx, &pb.StopRequest{Tunnel: "no-such-tunnel"})
		return err
	})
	refused("Health of an unknown tunnel", func(ctx context.Context) error {
		_, err := p.plugin.Health(ctx, &pb.HealthRequest{Tunnel: "no-such-tunnel"})
		return err
	})
	refused("Metrics of an unknown tunnel", func(ctx context.Context) error {
		_, err := p.plugin.Metrics(ctx, &pb.MetricsRequest{Tunnel: "no-such-tunnel"})
		return err
	})
	healthCtx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if _, err := p.plugin.Health(healthCtx, &pb.HealthRequest{}); err != nil {
		errs = append(errs, fmt.Errorf("Health of the plugin as a whole: %w", p.died(err)))
	}
	return errors.Join(errs...)
}

// hostGone takes the host's sockets away. A tunnel runs meanwhile, if one can be made.
func (s *suite) hostGone(ctx context.Context, d *pb.Description) error {
	p, err := s.start(ctx, d.Permissions)
	if err != nil {
		return err
	}
	defer p.end()
	for _, t := range d.Types {
		x := &trial{suite: s, p: p, typ: t}
		if x.settings(ctx) == nil && x.start(ctx) == nil {
			defer x.remove()
			break
		}
	}
	p.leave()
	if !poll(ctx, goneTime, p.client.Exited) {
		return fmt.Errorf("the process still runs %v after the host's sockets were closed", goneTime)
	}
	return nil
}
