package main

import (
	"runtime/debug"
	"testing"
)

func TestSourceVersion(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	for _, test := range []struct {
		name     string
		module   string
		settings []debug.BuildSetting
		want     string
	}{
		{"a release", "v1.2.3", []debug.BuildSetting{setting("vcs.revision", "5c1d0f2a")}, "v1.2.3"},
		{"a release with changes", "v1.2.3+dirty", []debug.BuildSetting{setting("vcs.modified", "true")}, "v1.2.3+dirty"},
		{"a revision", "(devel)", []debug.BuildSetting{setting("vcs.revision", "5c1d0f2a"), setting("vcs.modified", "false")}, "5c1d0f2a"},
		{"a revision with changes", "", []debug.BuildSetting{setting("vcs.revision", "5c1d0f2a"), setting("vcs.modified", "true")}, "5c1d0f2a+dirty"},
		{"nothing known", "(devel)", nil, "(devel)"},
		{"nothing at all", "", []debug.BuildSetting{setting("GOOS", "linux")}, "(devel)"},
	} {
		got := sourceVersion(&debug.BuildInfo{Main: debug.Module{Version: test.module}, Settings: test.settings})
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
