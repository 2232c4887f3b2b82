// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/retune-tv/plexauthd/cmd/plexauthctl/doctor"
)

func (p *program) doctorCommand() *cobra.Command {
	var o doctor.Options
	command := &cobra.Command{
		Use: "doctor", Short: "Find problems and say how to fix them (exit status 1: there are some)",
		Args: noArguments, ValidArgsFunction: nothing,
		RunE: func(command *cobra.Command, _ []string) error { return p.examine(command.Context(), o) },
	}
	command.Flags().StringVar(&o.PlexURL, "plex-url", "", "use plex.tv at this `URL` instead of the configured one")
	completeFlag(command, "plex-url", nothing)
	command.Flags().StringVar(&o.Config, "config", "", "the daemon's configuration `FILE`, if not the usual one")
	command.Flags().StringVar(&o.State, "state", "", "the daemon's state `FILE`, if not the service's")
	return command
}

// examinationView is what doctor --json prints.
type examinationView struct {
	Healthy bool             `json:"healthy"`
	Checks  []doctor.Finding `json:"checks"`
}

func (p *program) examine(ctx context.Context, o doctor.Options) error {
	o.Bus, o.Version, o.Clock = p.bus, version, p.clock
	found := doctor.Examine(ctx, o)
	if err := ctx.Err(); err != nil {
		return err
	}
	healthy := !slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.Result == doctor.Wrong })
	if p.json {
		if err := p.printJSON(examinationView{healthy, found}); err != nil {
			return err
		}
	} else {
		p.printFindings(found)
	}
	if !healthy {
		return &ending{status: exitFailed}
	}
	return nil
}

func (p *program) printFindings(found []doctor.Finding) {
	marks := map[doctor.Result]string{doctor.OK: "ok   ", doctor.Wrong: "WRONG", doctor.Unknown: "  -  "}
	for _, f := range found {
		p.printf("%s  %-13s  %s\n", marks[f.Result], f.Check, plain(f.Finding))
		if f.Advice != "" {
			p.printf("%22s%s\n", "", plain(f.Advice))
		}
	}
}
