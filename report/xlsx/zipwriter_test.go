package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"testing"
)

// archive/zip writes no zip64 field for a raw part, so one that needs it must
// never be written.
func TestPartTooLarge(t *testing.T) {
	tests := []struct {
		name string
		size int64
		want error
	}{
		{"the largest that fits", math.MaxUint32 - 1, nil},
		{"a size that stands for zip64 (APPNOTE 4.4.8)", math.MaxUint32, errPartTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, p := range []*part{{size: test.size}, {spool: spool{size: test.size}}} {
				err := p.writeTo(zip.NewWriter(io.Discard), "x")
				if !errors.Is(err, test.want) {
					t.Errorf("writeTo() = %v, want %v", err, test.want)
				}
			}
		})
	}
}

// excelize drops the error of a Write that another Create follows.
func TestForgottenError(t *testing.T) {
	z := newZipWriter(io.Discard, t.TempDir()+"/missing")
	w, err := z.Create("large")
	if err != nil {
		t.Fatal(err)
	}
	random := make([]byte, 4*spoolMemory)
	for i := range random {
		random[i] = byte(i * i >> 7 * i >> 3)
	}
	for range 8 {
		w.Write(random)
	}
	if _, err := z.Create("next"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Create() = %v, want %v", err, os.ErrNotExist)
	}
	if err := z.Close(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Close() = %v, want %v", err, os.ErrNotExist)
	}
}

// Only XML holds marks; a picture may hold the same octet.
func TestMarks(t *testing.T) {
	var out bytes.Buffer
	z := newZipWriter(&out, t.TempDir())
	for _, name := range []string{"sheet.xml", "logo.png"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.Write([]byte("a\x7fb\x7f")); n != 4 || err != nil {
			t.Errorf("Write() = %d, %v, want 4", n, err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"sheet.xml": "a_x005F_b_x005F_", "logo.png": "a\x7fb\x7f"} {
		if got := readPart(t, out.Bytes(), name); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
}

func TestSpool(t *testing.T) {
	for _, size := range []int{0, 1, spoolMemory, spoolMemory + 1, 3 * spoolMemory} {
		dir := t.TempDir()
		s := &spool{dir: dir}
		want := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 70_000)
			if _, err := s.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if inFile := len(files) > 0; inFile != (size > spoolMemory) {
			t.Errorf("%d octets: in a file: %v", size, inFile)
		}
		var got bytes.Buffer
		if _, err := s.WriteTo(&got); err != nil || !bytes.Equal(want, got.Bytes()) {
			t.Errorf("%d octets came back as %d others: %v", size, got.Len(), err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
}
