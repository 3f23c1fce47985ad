package domain_test

import (
	"fmt"
	"strings"
	"testing"

	"caascan/scan/domain"
)

// TestShard: the parts were worked out with other programs, so that another version or
// machine that finds others is wrong:
//
//	printf example.com | sha256sum | cut -c 1-16    # a379a6f6eeafb9a5
//	python3 -c 'print(0xa379a6f6eeafb9a5 % 16)'     # 5
func TestShard(t *testing.T) {
	for _, test := range []struct {
		name                string
		text                string
		one, of4, of16, mil int
	}{
		{"a registrable domain", "example.com", 0, 1, 5, 309},
		{"what is below it is in its shard", "mail.eu.example.com", 0, 1, 5, 309},
		{"a suffix of two labels", "www.example.co.uk", 0, 2, 2, 442},
		{"an international name in A-labels", "bücher.example", 0, 0, 0, 160},
		{"a public suffix by itself, which is no registrable domain", "example", 0, 3, 15, 735},
		{"a private suffix: each customer is one of its own", "b.a.github.io", 0, 3, 3, 35},
	} {
		n := name(test.text)
		got := [...]int{n.Shard(1), n.Shard(4), n.Shard(16), n.Shard(1000)}
		if want := [...]int{test.one, test.of4, test.of16, test.mil}; got != want {
			t.Errorf("%s: the shards of %s are %v, want %v", test.name, test.text, got, want)
		}
	}
}

// TestShardsAreOfOneSize: of 16,000 domains each of 16 shards has 1,000, with a standard
// deviation of 31.
func TestShardsAreOfOneSize(t *testing.T) {
	const shards, domains = 16, 16_000
	var sizes [shards]int
	for i := range domains {
		sizes[name(fmt.Sprintf("d%d.com", i)).Shard(shards)]++
	}
	for i, size := range sizes {
		if size < 850 || size > 1150 {
			t.Errorf("shard %d has %d domains, want about %d", i, size, domains/shards)
		}
	}
}

func TestPublicSuffixesNameTheirVersion(t *testing.T) {
	if got := domain.PublicSuffixes(); !strings.Contains(got, "git revision") {
		t.Errorf("PublicSuffixes() = %q, want a revision", got)
	}
}
