// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/cmd/plexauthctl/seal"
)

func (p *program) sealCommand() *cobra.Command {
	o := seal.Default()
	withKey := ""
	command := &cobra.Command{
		Use: "seal", Short: "Make a key that only this box can open, to seal the sign-in with (as root)",
		Long: `Make a key that only this box can open, and have the service seal the secrets in its
state with it from its next start on. A key that is there already is checked and kept.

The key is bound to the TPM 2.0 of this box and to systemd's host key
(/var/lib/systemd/credential.secret), or to the host key alone where there is no TPM.
It is bound to no PCRs of the TPM unless --pcrs names some: updates of the firmware
and of Secure Boot change them.`,
		Args: noArguments, ValidArgsFunction: nothing,
		RunE: func(command *cobra.Command, _ []string) error {
			switch o.WithKey = seal.Binding(withKey); o.WithKey {
			case "", seal.Host, seal.TPM, seal.HostAndTPM:
				return p.seal(command.Context(), o)
			}
			return &ending{exitUsage, "--with-key: use host, tpm2 or host+tpm2"}
		},
	}
	flags := command.Flags()
	flags.StringVar(&withKey, "with-key", "", "bind the key to `WHAT`: host, tpm2 or host+tpm2")
	completeFlag(command, "with-key", oneOf("host", "tpm2", "host+tpm2"))
	flags.StringVar(&o.PCRs, "pcrs", "", "`PCRS` of the TPM that must not change, such as 7")
	completeFlag(command, "pcrs", nothing)
	flags.StringVar(&o.Credential, "credential", o.Credential, "keep the encrypted key in this `FILE`")
	flags.StringVar(&o.State, "state", o.State, "the daemon's state `FILE`, if not the usual one")
	return command
}

func (p *program) seal(ctx context.Context, o seal.Options) error {
	if os.Geteuid() != 0 {
		return &ending{exitFailed, "only root can make the key: run plexauthctl seal as root"}
	}
	var notes []string
	o.Note = func(text string) { notes = append(notes, text) }
	made, err := o.Make(ctx)
	if err != nil {
		return &ending{exitFailed, err.Error()}
	}
	for _, note := range notes {
		_, _ = fmt.Fprintf(p.stderr, "plexauthctl: %s\n", note)
	}
	if p.json {
		return p.printJSON(made)
	}
	verb := "keeps its"
	if made.Made {
		verb = "has a new"
	}
	p.printf("%s %s key%s; it opens.\n", made.Credential, verb, boundTo(made))
	if made.Made && made.WithKey == seal.Host && o.WithKey == "" {
		p.printf("No TPM 2.0 was found: the key protects copies of the state, but not a disk that holds the host key too.\n")
	}
	switch {
	case made.DropIn != "":
		p.printf("%s makes the service use it.\nNext: systemctl daemon-reload && systemctl restart plexauthd\n", made.DropIn)
	case made.Made:
		p.printf("The service uses it from its next start on: systemctl restart plexauthd\n")
	}
	return nil
}

// boundTo says what opens a key.
func boundTo(made seal.Result) string {
	words := map[seal.Binding]string{
		seal.Host:       " bound to systemd's host key alone",
		seal.TPM:        " bound to the TPM",
		seal.HostAndTPM: " bound to the TPM and to systemd's host key",
	}[made.WithKey]
	if made.PCRs != "" {
		words += ", with PCR " + made.PCRs
	}
	return words
}
