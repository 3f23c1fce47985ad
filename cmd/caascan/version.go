package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(io streams) *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print the version",
		Args:              takes(0, "", "caascan version takes none"),
		ValidArgsFunction: cobra.NoFileCompletions,
		GroupID:           programGroup,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(io.out, buildVersion())
			return err
		},
	}
}

// buildVersion says what runs here, and what it was built with and for.
func buildVersion() string {
	return fmt.Sprintf("%s %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// version says what the program is, in the same words on every machine.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return "caascan " + sourceVersion(info)
	}
	return "caascan " + noVersion
}

// noVersion is Go's own word for a build that it knows nothing of.
const noVersion = "(devel)"

// sourceVersion is that of the module, or else the revision it was built from. Both end
// in "+dirty" if the files were not those of the revision.
func sourceVersion(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != noVersion {
		return v
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	switch revision := settings["vcs.revision"]; {
	case revision == "":
		return noVersion
	case settings["vcs.modified"] == "true":
		return revision + "+dirty"
	default:
		return revision
	}
}
