package main

import (
	"github.com/spf13/pflag"
)

// variable is one of the environment that changes what the program does.
type variable struct {
	name    string
	flag    string // the flag that it stands for; "" for none
	unless  []string
	meaning string
}

// environment are the variables that are read. Those that stand for a flag are for what is
// the same every day.
func environment() []variable {
	return []variable{
		{
			name: "CAASCAN_ISSUER", flag: "issuer",
			meaning: "the CA to decide for if no --issuer is given",
		},
		{
			name: "CAASCAN_RESOLVER", flag: "resolver", unless: []string{"zone", "from-snapshot"},
			meaning: "the resolvers to ask if no --resolver is given, with commas between them",
		},
		{name: "NO_COLOR", meaning: "if set, neither colours nor bold text"},
		{name: "PAGER", meaning: "the program that caascan help shows a page with; empty: none"},
	}
}

// takeEnvironment gives flags that were not given the value of their variable. From then on
// they are as if they had been given: a report that names its flags names them too. An empty
// variable is none.
func takeEnvironment(flags *pflag.FlagSet, lookup func(string) string) error {
	for _, v := range environment() {
		flag, value := flags.Lookup(v.flag), lookup(v.name)
		if flag == nil || flag.Changed || value == "" || anyGiven(flags, v.unless) {
			continue
		}
		if err := flags.Set(v.flag, value); err != nil {
			return usagef("%s: %w", v.name, err)
		}
	}
	return nil
}

func anyGiven(flags *pflag.FlagSet, names []string) bool {
	for _, name := range names {
		if flag := flags.Lookup(name); flag != nil && flag.Changed {
			return true
		}
	}
	return false
}
