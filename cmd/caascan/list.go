package main

import (
	"strconv"

	"github.com/spf13/pflag"

	"caascan/scan"
	"caascan/scan/input"
)

// listOptions say how a list is written.
type listOptions struct {
	column    string
	sheet     string
	header    string
	separator string
	addresses string
}

func (o *listOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.column, "column", "", "`name` or number of the column with the addresses or domains (default: auto-detected)")
	flags.StringVar(&o.sheet, "sheet", "", "`name` or number of the sheet of an XLSX input (default: the first that can be seen and has rows with addresses)")
	flags.StringVar(&o.header, "header", "auto", "whether a row names the columns: auto, yes (the first), no, or the `number` of the row")
	flags.StringVar(&o.separator, "separator", "", "what stands between the `cells` of a CSV input: a comma, a semicolon, tab or | (default: auto-detected)")
	flags.StringVar(&o.addresses, "addresses", "", "what becomes of a cell with several addresses: primary (the one that Exchange marks with SMTP: in capitals decides) or split (each is a row) (default: such a row is several-addresses)")
}

// parse reads the options.
func (o *listOptions) parse() (input.Options, scan.Addresses, error) {
	opts := input.Options{Column: o.column, Sheet: o.sheet}
	var err error
	if opts.Separator, err = parseSeparator("--separator", o.separator); err != nil {
		return opts, "", err
	}
	switch number, err := strconv.Atoi(o.header); {
	case o.header == "auto":
	case o.header == "yes":
		opts.Header = input.HeaderPresent
	case o.header == "no":
		opts.Header = input.HeaderAbsent
	case err == nil && number > 0:
		opts.HeaderRow = number
	default:
		return opts, "", notOneOf("--header", o.header, "auto", "yes", "no", "the number of the row, from 1")
	}
	addresses, ok := scan.ParseAddresses(o.addresses)
	if !ok {
		return opts, "", notOneOf("--addresses", o.addresses, scan.AddressesPrimary, scan.AddressesSplit)
	}
	return opts, addresses, nil
}

// parseSeparator reads a flag that takes the separator of CSV; 0 of "".
func parseSeparator(flag, text string) (byte, error) {
	switch text {
	case "":
		return 0, nil
	case ",", ";", "|", "\t":
		return text[0], nil
	case "tab", `\t`:
		return '\t', nil
	case "comma":
		return ',', nil
	case "semicolon":
		return ';', nil
	case "pipe":
		return '|', nil
	}
	return 0, notOneOf(flag, text, "comma", "semicolon", "tab", "pipe")
}
