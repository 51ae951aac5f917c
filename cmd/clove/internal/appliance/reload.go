package appliance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"clove.i2p/cmd/clove/internal/control"
	"clove.i2p/plugins/host"
	"clove.i2p/proxies"
)

// Reload reads the configuration again and applies what changed. A configuration that is not right changes nothing.
func (a *Appliance) Reload(ctx context.Context, r control.ReloadRequest) (plan control.Plan, err error) {
	if a.cfg.Load == nil {
		return plan, fmt.Errorf("%w: this clove has no configuration file", control.ErrConflict)
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	cfg, err := a.cfg.Load()
	if err != nil {
		return plan, fmt.Errorf("%w: nothing has changed, because the configuration is not right:\n%w", control.ErrInvalid, err)
	}
	rules, err := proxies.NewRules(cfg.Proxies.Rules)
	if err != nil {
		return plan, fmt.Errorf("%w: nothing has changed: %w", control.ErrInvalid, err)
	}
	if a.host != nil {
		for _, name := range slices.Sorted(maps.Keys(cfg.Plugins.Tunnels)) {
			if t := cfg.Plugins.Tunnels[name]; t.Enabled && !reflect.DeepEqual(t, a.desired.Tunnels[name]) {
				if err := a.host.Validate(ctx, name, t); errors.Is(err, host.ErrSettings) {
					return plan, fmt.Errorf("%w: nothing has changed: tunnels.%s: %w", control.ErrInvalid, name, err)
				}
			}
		}
		if plan.Tunnels, err = a.host.Plan(ctx, cfg.Plugins); err != nil {
			return plan, fmt.Errorf("%w: nothing has changed: %w", control.ErrInvalid, err)
		}
	}
	changed := a.planProxies(cfg.Proxies, &plan)
	plan.Restart = a.fixedChanges(cfg)
	if r.DryRun {
		return plan, nil
	}
	a.policy.SetRules(rules)
	a.destinations.setLimits(cfg.Proxies.Limits)
	a.cfg.Proxies, a.cfg.Plugins = cfg.Proxies, cfg.Plugins
	for _, k := range changed {
		if err := a.replaceProxy(a.life, k, cfg.Proxies); err != nil {
			plan.Proxies = append(plan.Proxies, "problem: "+err.Error())
		}
	}
	if a.host != nil {
		if plan.Tunnels, err = a.host.Apply(ctx, cfg.Plugins); err != nil {
			return plan, err
		}
		a.desired = cfg.Plugins
	}
	plan.Applied = true
	return plan, nil
}

// planProxies says what changes of the proxies, and returns those that have to be made anew.
func (a *Appliance) planProxies(c ProxyConfig, plan *control.Plan) (changed []proxyKind) {
	plan.Proxies = []string{}
	now := a.cfg.Proxies
	if !reflect.DeepEqual(now.Rules, c.Rules) {
		plan.Proxies = append(plan.Proxies, fmt.Sprintf("rules: %d instead of %d, for requests from now on", len(c.Rules), len(now.Rules)))
	}
	if now.Limits != c.Limits {
		plan.Proxies = append(plan.Proxies, "isolation limits: for destinations from now on")
	}
	for _, k := range proxyKinds {
		from, to := k.address(now), k.address(c)
		open := a.streams.count(k.name)
		switch {
		case from == to && (to == "" || k.settings(now) == k.settings(c)):
			continue
		case from == "":
			plan.Proxies = append(plan.Proxies, fmt.Sprintf("%s: starts on %s", k.title, to))
		case to == "":
			plan.Proxies = append(plan.Proxies, fmt.Sprintf("%s: stops; %d open connections end", k.title, open))
		default:
			plan.Proxies = append(plan.Proxies, fmt.Sprintf("%s: starts anew on %s; %d open connections end", k.title, to, open))
		}
		changed = append(changed, k)
	}
	return changed
}

// fixedChanges are the keys that differ and cannot be changed while clove runs.
func (a *Appliance) fixedChanges(c Config) []string {
	out := []string{}
	for key, value := range c.Fixed {
		if a.cfg.Fixed[key] != value {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// Explain tells what the rules do with a URL.
func (a *Appliance) Explain(url, listener, user, method string) (proxies.Explanation, error) {
	return a.policy.Explain(url, listener, user, method)
}

// Audit counts what was decided about clearnet traffic.
func (a *Appliance) Audit() proxies.Audit { return a.policy.Audit() }
