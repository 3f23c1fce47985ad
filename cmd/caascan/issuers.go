package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"caascan/scan/caa"
)

func newIssuers(io streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "issuers [NAME]",
		Short: "Show known CAs and their issuer domain names",
		Example: `  caascan issuers
  caascan issuers DigiCert
  caascan issuers quovadisglobal.com --json`,
		Long: `Issuers prints a line for each issuer domain name that caascan knows: whose it is,
how far it is known to count in issuemail records, when and where that was read.
NAME is a part of an owner's name, or an issuer domain name.

--issuer NAME takes what an owner has stated, the main one first. Look into the
CA's CPS, section 4.2, before you rely on any of it.`,
		Annotations:       about("issuers"),
		Args:              atMostOneName,
		ValidArgsFunction: cobra.NoFileCompletions,
		GroupID:           lookupGroup,
		RunE: func(_ *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			found := caa.FindIdentifiers(name)
			if len(found) == 0 {
				return fmt.Errorf("%q is not a known CA or issuer domain name: caascan issuers lists them all", name)
			}
			if asJSON {
				encoder := json.NewEncoder(io.out)
				encoder.SetIndent("", "  ")
				return encoder.Encode(found)
			}
			return printIdentifiers(io, found)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write a JSON list of objects")
	return cmd
}

func atMostOneName(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%q is one argument too many: put a name with a space in quotation marks, as in caascan issuers %s", bounded(args[1]), shellWord(strings.Join(args, " ")))
	}
	return nil
}

func printIdentifiers(io streams, list []caa.Identifier) error {
	table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "OWNER\tIDENTIFIER\tFOR MAIL\tDATE\tSOURCE")
	for _, id := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", id.Owner, id.Name, id.Standing, id.Date, id.Source)
	}
	return table.Flush()
}
