package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

func newKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make and show the key files of destinations",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysNew(), newKeysShow())
	return cmd
}

func newKeysNew() *cobra.Command {
	var asJSON bool
	var signature string
	cmd := &cobra.Command{
		Use:   "new FILE",
		Short: "Make a destination; its private keys go to FILE",
		Long: `new makes a destination and writes its private keys to FILE, readable by you only. Who has the file
has the address: keep a copy, and keep it private. An existing file is never replaced.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			types := map[string]keys.SigType{"ed25519": keys.SigEd25519, "red25519": keys.SigRed25519}
			t, ok := types[signature]
			if !ok {
				return errUsage{fmt.Errorf("--signature %q: want ed25519 or red25519", signature)}
			}
			k, err := i2p.NewDestinationKeys(t)
			if err != nil {
				return err
			}
			if err := i2p.SaveDestinationKeys(args[0], k); err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("%w: make the folder first", err)
				}
				return err
			}
			return printKeys(cmd.OutOrStdout(), k.Destination, asJSON)
		},
	}
	cmd.Flags().StringVar(&signature, "signature", "ed25519", "signature type: ed25519, or red25519 for a blinded destination")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newKeysShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "The address of the destination whose private keys are in FILE",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := i2p.LoadDestinationKeys(args[0])
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%w: 'clove keys new %s' makes it", err, args[0])
			}
			if err != nil {
				return err
			}
			return printKeys(cmd.OutOrStdout(), k.Destination, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printKeys prints what may be known: the address, never a private key.
func printKeys(w io.Writer, d *i2p.Destination, asJSON bool) error {
	v := struct {
		Base32        string `json:"base32"`
		Destination   string `json:"destination"`
		SignatureType string `json:"signature_type"`
	}{d.Base32(), d.Base64(), d.SigningKey().Type.String()}
	if asJSON {
		return json.NewEncoder(w).Encode(v)
	}
	fmt.Fprintf(w, "address      %s\nsignature    %s\ndestination  %s\n", v.Base32, v.SignatureType, v.Destination)
	return nil
}
