package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"caascan/scan/caa"
)

func newIssuers(io streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "issuers [NAME]",
		Short: "Show the CAs and the issuer domain names that they are known to recognise",
		Example: `  caascan issuers
  caascan issuers DigiCert
  caascan issuers quovadisglobal.com --json`,
		Long: `Issuers prints one line for each known issuer domain name: its owner, how well it
is known to count in issuemail records, and when and where that was read. NAME is
part of an owner's name, or an issuer domain name. The column FOR MAIL says:

  stated       the CA's own text names it for mail
  deprecated   the CA's own text names it for mail for a transitional period: it
               still counts, but must not be published any more
  second-hand  others say that it counts for mail, or it was seen in use
  unstated     it is known for web servers, which proves nothing for mail

--issuer NAME takes what an owner has stated, the main one first. Read section 4.2
of the CA's CPS before you rely on any of it.

` + exitStatus,
		Args:              usageArgs(cobra.MaximumNArgs(1)),
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

func printIdentifiers(io streams, list []caa.Identifier) error {
	table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "OWNER\tIDENTIFIER\tFOR MAIL\tDATE\tSOURCE")
	for _, id := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", id.Owner, id.Name, id.Standing, id.Date, id.Source)
	}
	return table.Flush()
}
