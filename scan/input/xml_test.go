package input

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// scanned returns the tokens of XML, texts that follow each other as one.
func scanned(r io.Reader) (tokens []string, err error) {
	x := newXMLScanner(r)
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			tokens = append(tokens, fmt.Sprintf("%q", text.String()))
		}
		text.Reset()
	}
	for {
		token, err := x.next()
		if err == io.EOF {
			flush()
			return tokens, nil
		}
		if err != nil {
			return nil, err
		}
		switch token {
		case xmlText:
			text.Write(x.text)
			continue
		case xmlStart:
			flush()
			tokens = append(tokens, fmt.Sprintf("<%s a=%q", x.name, x.attrText("a")))
		case xmlEnd:
			flush()
			tokens = append(tokens, fmt.Sprintf("</%s", x.name))
		}
	}
}

// decoded returns what encoding/xml makes of it, in the same words.
func decoded(r io.Reader) (tokens []string, err error) {
	d := xml.NewDecoder(r)
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			tokens = append(tokens, fmt.Sprintf("%q", text.String()))
		}
		text.Reset()
	}
	for {
		token, err := d.RawToken()
		if err == io.EOF {
			flush()
			return tokens, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			flush()
			value := ""
			for _, a := range token.Attr {
				if a.Name.Space == "" && a.Name.Local == "a" {
					value = a.Value
					break
				}
			}
			tokens = append(tokens, fmt.Sprintf("<%s a=%q", token.Name.Local, value))
		case xml.EndElement:
			flush()
			tokens = append(tokens, fmt.Sprintf("</%s", token.Name.Local))
		case xml.Directive:
			return nil, errors.New("a directive")
		}
	}
}

func TestXMLScanner(t *testing.T) {
	long := strings.Repeat("ü&amp;\r\n", chunk)
	for _, text := range []string{
		`<a/>`, `<a a="1"><b a='2"'/>text</a>`, `<x:a y:a="3" a = "4"></x:a >`, "<a>\r\n\r&#13;</a>", `<?xml version="1.0"?><!-- - - --><a><![CDATA[<b>]]]]></a>`,
		`<a a="&lt;&#x41;&#66;&apos;">&gt;&quot;</a>`, "<a>" + long + "</a>", "<a><![CDATA[" + long + "]]></a>", "<a a='>'/>", `<a a=""/>`,
	} {
		want, err := decoded(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%.80s: %v", text, err)
		}
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(text), "octet by octet": iotest.OneByteReader(strings.NewReader(text))} {
			got, err := scanned(r)
			if err != nil {
				t.Errorf("%.80s, %s: %v", text, name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%.80s, %s: tokens mismatch (-want +got):\n%.500s", text, name, diff)
			}
		}
	}
	for text, message := range map[string]string{
		"<a>":                      "the XML ends in the middle",
		"<a></b>":                  `element "a" ends as "b"`,
		"</a>":                     "never begun",
		"<a>&b;</a>":               `entity "&b;" is not known`,
		"<a>&amp</a>":              "a character reference without its end",
		"<a>\x00</a>":              "a control character U+0000",
		"<a>\xff</a>":              "text that is not UTF-8",
		"<!DOCTYPE a><a/>":         "a document type declaration",
		"<a <b/>":                  "a tag without its end",
		"<a a='1":                  "",
		"<a><!-- ":                 "the XML ends in the middle",
		"<a><![CDATA[x":            "the XML ends in the middle",
		"<>":                       "a tag without a name",
		strings.Repeat("<a>", 257): "elements nested deeper than 256",
		"<a b='" + strings.Repeat("x", 2<<20) + "'/>": "a tag of more than 1 MiB",
	} {
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			if _, err := scanned(r); message != "" && (err == nil || !strings.Contains(err.Error(), message)) {
				t.Errorf("%.80s: %v, want %s", text, err, message)
			}
		}
	}
}

// FuzzXML: where XML is well-formed, the scanner finds in it what encoding/xml finds,
// however it is cut.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		`<a/>`, `<x:a a="1"><b a='2"'/>text</x:a>`, "<a>\r\n\r&#13;</a>", `<?xml version="1.0"?><!-- c --><a><![CDATA[<b>]]></a>`, "<a a='&lt;>'>ü</a>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := scanned(strings.NewReader(text))
		slow, slowErr := scanned(iotest.OneByteReader(strings.NewReader(text)))
		if (err == nil) != (slowErr == nil) || err == nil && cmp.Diff(got, slow) != "" {
			t.Errorf("%q: %q, %v at once; %q, %v octet by octet", text, got, err, slow, slowErr)
		}
		want, wantErr := decoded(strings.NewReader(text))
		wellFormed := xml.NewDecoder(strings.NewReader(text)).Decode(new(struct{})) == nil
		if err != nil || wantErr != nil || !wellFormed {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: tokens mismatch (-want +got):\n%s", text, diff)
		}
	})
}
