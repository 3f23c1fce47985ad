package lookup_test

import (
	"context"
	"fmt"
	"strings"

	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/zone"
)

// A Client climbs from a name until it meets a CAA RRset. Here it asks a zone
// file; with Config.Servers it asks recursive resolvers.
func ExampleClient_Trace() {
	file := `$ORIGIN example.
@     300 SOA ns hostmaster 1 1800 900 604800 300
corp  300 CAA 0 issuemail "ca.example"
`
	z, err := zone.Parse(strings.NewReader(file), "example.zone")
	if err != nil {
		fmt.Println(err)
		return
	}
	zones, err := zone.NewSet(z)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := lookup.New(lookup.Config{Zones: zones})
	if err != nil {
		fmt.Println(err)
		return
	}
	name, err := domain.Parse("eu.mail.corp.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	steps, err := client.Trace(context.Background(), name)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range steps {
		fmt.Println(step.Name, step.Records.Properties)
	}
	// Output:
	// eu.mail.corp.example []
	// mail.corp.example []
	// corp.example [0 issuemail "ca.example"]
}
