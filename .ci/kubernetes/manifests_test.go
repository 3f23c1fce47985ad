// Package kubernetes holds the manifests that users copy to the types of the Kubernetes API
// itself. It is a module of its own, because nothing else needs that API.
package kubernetes

import (
	"os"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

// TestTheManifestsAreOfTheAPI: no field is unknown to it, stands twice or has another type.
func TestTheManifestsAreOfTheAPI(t *testing.T) {
	for file, object := range map[string]any{
		"../../cmd/caascan/nightly/caascan.yaml":    new(batchv1.CronJob),
		"../../cmd/caascan/shards/indexed-job.yaml": new(batchv1.Job),
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(text, object); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
