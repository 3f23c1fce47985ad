package snapshot

import (
	"fmt"
	"testing"

	"caascan/scan/domain"
)

// TestNamesInTextsTakeNoWords: texts that hold the name that was asked come once each. They
// do not take the places of the words that come later and repeat, such as those of proofs.
func TestNamesInTextsTakeNoWords(t *testing.T) {
	var store Store
	for i := range mostWords + 1 {
		name, err := domain.Parse(fmt.Sprintf("company%d.example", i))
		if err != nil {
			t.Fatal(err)
		}
		o := Observation{Name: name, Failure: ServFail, EDE: []EDE{{Code: 22, Text: "At delegation " + name.String()}}}
		store.Put(o)
		if found, _ := store.Find(name); len(found.EDE) != 1 || found.EDE[0] != o.EDE[0] {
			t.Fatalf("Find(%s).EDE = %q, want %q", name, found.EDE, o.EDE)
		}
	}
	if got := len(store.words.list); got > 10 {
		t.Errorf("%d words, want a few", got)
	}
}
