package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"clove.i2p/cmd/clove/internal/appliance"
	"clove.i2p/config"
)

// addConfigFlags gives a command the flags that choose and change the configuration.
func addConfigFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringP("config", "c", "", "configuration file (default: "+config.FileName+" in the data directory, if it is there)")
	f.String("data-dir", "", "folder of keys, netDb and hosts.txt")
	f.String("log-level", "", "debug, info, warn or error")
	f.StringArray("set", nil, "KEY=VALUE: change one setting, such as router.ntcp2.listen=:12345")
}

// sources are where the configuration of a command comes from.
func sources(cmd *cobra.Command) (s config.Sources, err error) {
	f := cmd.Flags()
	s.Environ = os.Environ()
	s.File, _ = f.GetString("config")
	for flag, key := range map[string]string{"data-dir": "data_dir", "log-level": "log.level"} {
		if f.Changed(flag) {
			value, _ := f.GetString(flag)
			s.Flags = append(s.Flags, config.Flag{Name: "--" + flag, Key: key, Value: value})
		}
	}
	sets, _ := f.GetStringArray("set")
	for _, set := range sets {
		key, value, ok := strings.Cut(set, "=")
		if !ok {
			return s, errUsage{fmt.Errorf("--set %s: want KEY=VALUE", set)}
		}
		s.Flags = append(s.Flags, config.Flag{Name: "--set " + key, Key: key, Value: value})
	}
	return s, nil
}

// loadConfig reads all layers.
func loadConfig(cmd *cobra.Command) (*config.Loaded, error) {
	s, err := sources(cmd)
	if err != nil {
		return nil, err
	}
	loaded, err := config.Load(s)
	if err != nil {
		return nil, errUsage{err}
	}
	return loaded, nil
}

// warn logs what is right in a configuration and may not be what was meant.
func warn(log *slog.Logger, l *config.Loaded) {
	for _, note := range l.Notes() {
		log.Warn("configuration", "note", note)
	}
}

// loadAppliance reads all layers and turns them into the configuration of the packages. The result can be loaded again.
func loadAppliance(cmd *cobra.Command) (appliance.Config, *config.Loaded, error) {
	l, err := loadConfig(cmd)
	if err != nil {
		return appliance.Config{}, nil, err
	}
	cfg, err := appliance.FromConfig(l)
	if err != nil {
		return cfg, l, errUsage{err}
	}
	cfg.Load = func() (appliance.Config, error) {
		again, _, err := loadAppliance(cmd)
		return again, err
	}
	return cfg, l, nil
}

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, show and make the configuration",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigCheck(), newConfigShow(), newConfigInit())
	return cmd
}

func newConfigCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell whether the configuration is right",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, l, err := loadAppliance(cmd)
			if asJSON {
				result := struct {
					OK     bool     `json:"ok"`
					File   string   `json:"file,omitempty"`
					Errors []string `json:"errors"`
					Notes  []string `json:"notes"`
				}{OK: err == nil, Errors: messages(err), Notes: []string{}}
				if l != nil {
					result.File, result.Notes = l.File, append(result.Notes, l.Notes()...)
				}
				if jerr := json.NewEncoder(cmd.OutOrStdout()).Encode(result); jerr != nil {
					return jerr
				}
			}
			if err != nil {
				return errUsage{err}
			}
			if asJSON {
				return nil
			}
			out := cmd.OutOrStdout()
			for _, note := range l.Notes() {
				fmt.Fprintf(out, "note: %s\n", note)
			}
			if l.File == "" {
				fmt.Fprintln(out, "The configuration is right. There is no file: clove config init makes one.")
			} else {
				fmt.Fprintf(out, "%s is right.\n", l.File)
			}
			return nil
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// messages are the parts of an error, one for each key.
func messages(err error) []string {
	out := []string{}
	var all config.Errors
	switch {
	case errors.As(err, &all):
		for _, e := range all {
			out = append(out, e.Error())
		}
	case err != nil:
		out = append(out, err.Error())
	}
	return out
}

func newConfigShow() *cobra.Command {
	var asJSON, origin bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "The settings in effect",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			type setting struct {
				Key    string `json:"key"`
				Value  string `json:"value"`
				Origin string `json:"origin"`
			}
			all := []setting{}
			for _, s := range l.Settings() {
				all = append(all, setting{s.Key, s.Value, s.Origin.String()})
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			for _, s := range all {
				if origin {
					fmt.Fprintf(cmd.OutOrStdout(), "%s = %s   # %s\n", s.Key, s.Value, s.Origin)
				} else {
					fmt.Fprintf(cmd.OutOrStdout(), "%s = %s\n", s.Key, s.Value)
				}
			}
			return nil
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().BoolVar(&origin, "origin", false, "tell where each setting comes from")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newConfigInit() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a configuration file with all settings, explained",
		Long:  "init writes a configuration file in which every setting stands with its default. An existing file is never replaced.",
		Args:  usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := ""
			if len(args) == 1 {
				path = args[0]
			} else {
				l, err := loadConfig(cmd)
				if err != nil {
					return err
				}
				path = filepath.Join(l.DataDir, config.FileName)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return err
			}
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already and stays as it is; name another file", path)
			}
			if err != nil {
				return err
			}
			_, err = f.WriteString(config.Example())
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				return fmt.Errorf("write %s: %w", path, err)
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"file": path})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s written.\n", path)
			return nil
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
