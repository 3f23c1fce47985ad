package main

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The fields of a CronJob that caascan.yaml uses, where the API has them (Kubernetes API
// reference, batch/v1 and core/v1).
type (
	cronJob struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct{ Name string }
		Spec       struct {
			Schedule          string
			TimeZone          string      `yaml:"timeZone"`
			ConcurrencyPolicy string      `yaml:"concurrencyPolicy"`
			JobTemplate       jobTemplate `yaml:"jobTemplate"`
		}
	}

	podFailurePolicy struct {
		Rules []struct {
			Action      string
			OnExitCodes struct {
				ContainerName string `yaml:"containerName"`
				Operator      string
				Values        []int
			} `yaml:"onExitCodes"`
		}
	}

	jobTemplate struct {
		Spec struct {
			BackoffLimit          int              `yaml:"backoffLimit"`
			ActiveDeadlineSeconds int              `yaml:"activeDeadlineSeconds"`
			PodFailurePolicy      podFailurePolicy `yaml:"podFailurePolicy"`
			Template              struct{ Spec pod }
		}
	}

	pod struct {
		RestartPolicy                string `yaml:"restartPolicy"`
		AutomountServiceAccountToken bool   `yaml:"automountServiceAccountToken"`
		SecurityContext              struct {
			RunAsNonRoot   bool `yaml:"runAsNonRoot"`
			RunAsUser      int  `yaml:"runAsUser"`
			RunAsGroup     int  `yaml:"runAsGroup"`
			FSGroup        int  `yaml:"fsGroup"`
			SeccompProfile struct {
				Type string
			} `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
		Containers []container
		Volumes    []struct {
			Name      string
			ConfigMap struct{ Name string } `yaml:"configMap"`
			Claim     struct {
				Name string `yaml:"claimName"`
			} `yaml:"persistentVolumeClaim"`
			EmptyDir struct{} `yaml:"emptyDir"`
		}
	}

	container struct {
		Name, Image   string
		Args          []string
		RestartPolicy string `yaml:"restartPolicy"` // of an init container that runs on (since 1.33)
		StartupProbe  struct {
			TCPSocket     struct{ Port int } `yaml:"tcpSocket"`
			PeriodSeconds int                `yaml:"periodSeconds"`
		} `yaml:"startupProbe"`
		Resources struct{ Requests, Limits map[string]string }
		Env       []struct {
			Name      string
			Value     string
			ValueFrom struct {
				FieldRef struct {
					Path string `yaml:"fieldPath"`
				} `yaml:"fieldRef"`
			} `yaml:"valueFrom"`
		}
		SecurityContext struct {
			Escalation   bool `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRoot bool `yaml:"readOnlyRootFilesystem"`
			Capabilities struct{ Drop []string }
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
)

// TestTheNightlyCronJob: it has the fields of a CronJob where they belong, mounts what
// it names, and its command line is one that caascan takes.
func TestTheNightlyCronJob(t *testing.T) {
	var job cronJob
	decoder := yaml.NewDecoder(strings.NewReader(readText(t, "nightly/caascan.yaml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&job); err != nil {
		t.Fatal(err)
	}
	pod := job.Spec.JobTemplate.Spec.Template.Spec
	if len(pod.Containers) != 1 || job.APIVersion != "batch/v1" || job.Kind != "CronJob" {
		t.Fatalf("a %s %s with %d containers, want a CronJob with one", job.APIVersion, job.Kind, len(pod.Containers))
	}
	c := pod.Containers[0]
	volumes := make(map[string]bool)
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("%s is mounted and is no volume", m.Name)
		}
	}
	if !c.SecurityContext.ReadOnlyRoot || !pod.SecurityContext.RunAsNonRoot {
		t.Error("it can do more than it needs")
	}
	cmd, args, err := newRoot(streams{}).Find(c.Args)
	if err == nil {
		err = cmd.ParseFlags(args)
	}
	if err != nil || cmd.Name() != "scan" || cmd.Flags().NArg() != 1 {
		t.Errorf("%q: %v, want a scan of one list", c.Args, err)
	}
}
