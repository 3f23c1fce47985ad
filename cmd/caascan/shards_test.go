package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The fields of a Job that indexed-job.yaml uses, where the API has them (Kubernetes API
// reference, batch/v1 and core/v1). What a CronJob has too is with that.
type (
	indexedJob struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct{ Name string }
		Spec       struct {
			CompletionMode        string `yaml:"completionMode"`
			Completions           int
			Parallelism           int
			BackoffLimitPerIndex  int              `yaml:"backoffLimitPerIndex"`
			MaxFailedIndexes      int              `yaml:"maxFailedIndexes"`
			ActiveDeadlineSeconds int              `yaml:"activeDeadlineSeconds"`
			PodFailurePolicy      podFailurePolicy `yaml:"podFailurePolicy"`
			Template              struct{ Spec shardPod }
		}
	}

	shardPod struct {
		pod            `yaml:",inline"`
		InitContainers []container `yaml:"initContainers"`
	}
)

// readIndexedJob reads the Job. A field that the API does not have there is an error.
func readIndexedJob(t *testing.T) indexedJob {
	t.Helper()
	var job indexedJob
	decoder := yaml.NewDecoder(strings.NewReader(readText(t, "shards/indexed-job.yaml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&job); err != nil {
		t.Fatal(err)
	}
	return job
}

// argsOf are the arguments of a Job's container in the pod with an index. Kubernetes puts that
// into the environment of an Indexed Job's containers, and variables of it into arguments.
func (j indexedJob) argsOf(t *testing.T, index int) []string {
	t.Setenv("JOB_COMPLETION_INDEX", fmt.Sprint(index))
	variable := regexp.MustCompile(`\$\((\w+)\)`)
	var args []string
	for _, arg := range j.Spec.Template.Spec.Containers[0].Args {
		args = append(args, variable.ReplaceAllStringFunc(arg, func(v string) string { return os.Getenv(v[2 : len(v)-1]) }))
	}
	return args
}

// memoryLimits are that of the Go runtime and that of the container, in MiB.
func (c container) memoryLimits(t *testing.T) (of, all int) {
	t.Helper()
	for _, variable := range c.Env {
		if variable.Name == "GOMEMLIMIT" {
			if _, err := fmt.Sscanf(variable.Value, "%dMiB", &of); err != nil {
				t.Errorf("GOMEMLIMIT %q: %v", variable.Value, err)
			}
		}
	}
	if _, err := fmt.Sscanf(c.Resources.Limits["memory"], "%dGi", &all); err != nil {
		t.Errorf("memory %q: %v", c.Resources.Limits["memory"], err)
	}
	return of, all << 10
}

// TestTheIndexedJob: it has the fields of a Job where they belong, mounts what it names, and
// each of its pods scans another shard, to a snapshot of its own.
func TestTheIndexedJob(t *testing.T) {
	job := readIndexedJob(t)
	pod := job.Spec.Template.Spec
	if job.APIVersion != "batch/v1" || job.Kind != "Job" || job.Spec.CompletionMode != "Indexed" || len(pod.Containers) != 1 {
		t.Fatalf("a %s %s, %s, with %d containers, want an Indexed Job with one", job.APIVersion, job.Kind, job.Spec.CompletionMode, len(pod.Containers))
	}
	volumes := make(map[string]bool)
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, c := range slices.Concat(pod.Containers, pod.InitContainers) {
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s is mounted and is no volume", m.Name)
			}
		}
		if !c.SecurityContext.ReadOnlyRoot || c.SecurityContext.Escalation || !pod.SecurityContext.RunAsNonRoot {
			t.Errorf("%s can do more than it needs", c.Name)
		}
	}
	if limit, most := pod.Containers[0].memoryLimits(t); limit < most/2 || limit >= most {
		t.Errorf("GOMEMLIMIT is %d MiB of %d", limit, most)
	}
	snapshots := make(map[string]bool)
	for index := range job.Spec.Completions {
		args := job.argsOf(t, index)
		cmd, rest, err := newRoot(streams{}).Find(args)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err != nil || cmd.Name() != "scan" || cmd.Flags().NArg() != 1 {
			t.Fatalf("%q: %v, want a scan of one list", args, err)
		}
		if got, want := cmd.Flags().Lookup("shard").Value.String(), fmt.Sprintf("%d/%d", index, job.Spec.Completions); got != want {
			t.Errorf("pod %d scans the shard %s, want %s", index, got, want)
		}
		snapshots[cmd.Flags().Lookup("snapshot").Value.String()] = true
	}
	if len(snapshots) != job.Spec.Completions {
		t.Errorf("%d pods write %d snapshots", job.Spec.Completions, len(snapshots))
	}
}
