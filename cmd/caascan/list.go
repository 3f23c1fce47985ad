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
	flags.StringVarP(&o.column, "column", "c", "", "`NAME|N`: the column with the addresses or domains (default: auto-detected)")
	flags.StringVar(&o.sheet, "sheet", "", "`NAME|N`: the sheet of a workbook (default: the first visible one with addresses)")
	flags.StringVar(&o.header, "header", "auto", "`auto|yes|no|N`: whether a row names the columns; yes is the first row, N the row with this number")
	flags.StringVar(&o.separator, "separator", "", "`CHAR`: what separates the cells of a CSV list: a comma, a semicolon, tab or | (default: auto-detected)")
	flags.StringVar(&o.addresses, "addresses", "", "`primary|split`: what to do with a cell that holds several addresses: primary looks up the one that Exchange marks with SMTP: in capitals, split makes a row of each (default: the row is lookup-failed with the reason several-addresses)")
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
