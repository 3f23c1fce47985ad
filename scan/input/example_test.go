package input_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"caascan/scan/input"
)

func Example() {
	const list = "Name;E-Mail;Phone\r\nDoe, Jane;jane@x.example\r\n\r\nK\xf6hler, Max;max@y.example;+49 30 1;2\r\n"
	in, err := input.Open(context.Background(), "-", strings.NewReader(list), input.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer in.Close()
	for row, err := range in.Rows() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s %q\n", row.Number, row.Cell, row.Cells)
	}
	fmt.Printf("%q\n", in.Header())
	fmt.Println(in.Notes())
	// Output:
	// 2 jane@x.example ["Doe, Jane" "jane@x.example"]
	// 4 max@y.example ["Köhler, Max" "max@y.example" "+49 30 1" "2"]
	// ["Name" "E-Mail" "Phone" "extra1"]
	// [1 cell is not valid UTF-8 and was read as Windows-1252]
}
