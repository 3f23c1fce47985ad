//go:build unix

package input_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/input"
)

// A shell gives <(command) as the name of a pipe, which can be read only once.
func TestNamedPipe(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := writer.WriteString("domain\nx.example\n"); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	in := open(t, fmt.Sprintf("/dev/fd/%d", reader.Fd()), input.Options{})
	for range 2 {
		if diff := cmp.Diff([]string{`2 ["x.example"]`}, readAll(t, in)); diff != "" {
			t.Errorf("rows mismatch (-want +got):\n%s", diff)
		}
	}
}
