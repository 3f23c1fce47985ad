package xlsx

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// A number under a format shows a text, or there is no format of ours that does.
func TestFormatOfNumber(t *testing.T) {
	for _, test := range []struct {
		number float64
		text   string
		format string // empty for none
	}{
		{0, "0", "General"},
		{45000, "45000", "General"},
		{12345678901, "12345678901", "General"},
		{123456789012, "123456789012", "0"}, // General shows 1.23457E+11
		{-1234567890, "-1234567890", "General"},
		{-12345678901, "-12345678901", "0"},
		{0.30000000000000004, "0.3", "General"},
		{1.0 / 3, "0.333333333333333", "0.000000000000000"},
		{0.0001, "0.0001", "0.0000"}, // General may show 1E-04
		{5, "5.00", "0.00"},
		{999999999999999, "999999999999999", "0"},
		{1234567, "1,234,567", "#,##0"},
		{-1234.5, "-1,234.50", "#,##0.00"},
		{0.07, "7%", "0%"},
		{1.255, "125.5%", "0.0%"},

		{9999999999999998, "9999999999999998", ""},
		{7, "007", ""},
		{7, "+7", ""},
		{7, " 7", ""},
		{7, "7.", ""},
		{7, "0x7", ""},
		{7, "", ""},
		{7, "%", ""},
		{7, "-", ""},
		{-0.001, "-0.00", ""},
		{1e20, "1E+20", ""},
		{8, "7", ""},
		{8, "7%", ""},
		{1234567, "12,34,567", ""}, // as in India
		{1234.5, "1.234,50", ""},
		{12, "1,200%", ""},
		{5, "$5.00", ""},
		{0.4375, "10:30", ""},
	} {
		got, ok := formatOfNumber(test.number, test.text)
		if ok != (test.format != "") || ok && got != test.format {
			t.Errorf("%v shown as %q: %q, %t, want %q", test.number, test.text, got, ok, test.format)
		}
	}
}

// By hand: 2024-03-05 is day 45,356 of this workbook, and 1,462 days less where the first
// is in 1904; 2024-05-03 is 59 days later.
func TestFormatOfDate(t *testing.T) {
	for _, test := range []struct {
		number float64
		text   string
		date   float64
		format string // empty for none
	}{
		{45356, "2024-03-05", 45356, `yyyy\-mm\-dd`},
		{43894, "2024-03-05", 45356, `yyyy\-mm\-dd`},
		{45356.999, "2024-03-05", 45356.999, `yyyy\-mm\-dd`},
		{45356.4375, "2024-03-05 10:30:00", 45356.4375, `yyyy\-mm\-dd hh:mm:ss`},
		{45356.43749999999, "2024-03-05 10:30", 45356.43749999999, `yyyy\-mm\-dd hh:mm`},
		{45356, "05/03/2024", 45356, `dd\/mm\/yyyy`},
		{45356, "03/05/2024", 45356, `mm\/dd\/yyyy`},
		{45415, "05/03/2024", 45415, `mm\/dd\/yyyy`},
		{2958465, "9999-12-31", 2958465, `yyyy\-mm\-dd`},

		{45356, "2024-03-06", 0, ""},
		{45356, "5-Mar-24", 0, ""},
		{59, "1900-02-28", 0, ""}, // spreadsheets disagree on the first days
		{-1, "1899-12-29", 0, ""},
		{1e300, "2024-03-05", 0, ""},
		{45356, "", 0, ""},
	} {
		date, format, ok := formatOfDate(test.number, test.text)
		if ok != (test.format != "") || date != test.date || format != test.format {
			t.Errorf("%v shown as %q: %v, %q, %t, want %v, %q", test.number, test.text, date, format, ok, test.date, test.format)
		}
	}
}

// FuzzValues: whatever a workbook says of a cell, what becomes a number is as near to its
// text as the digits in it say, and what becomes a date is one that spreadsheets know.
func FuzzValues(f *testing.F) {
	for _, seed := range [][2]string{
		{"42", "42"}, {"NaN", "NaN"}, {"-Inf", "-Inf"}, {"0x1p-2", "0.25"}, {"45356", "2024-03-05"}, {"1e300", "1,0%"}, {"-0", "-0"}, {"1_0", "10"}, {"-1234", "-1,234"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, raw, text string) {
		number, err := strconv.ParseFloat(raw, 64)
		if err != nil {
			return
		}
		if date, _, ok := formatOfDate(number, text); ok && !fitsMoment(momentOf(date)) {
			t.Errorf("%q shown as %q: no date that a spreadsheet knows", raw, text)
		}
		format, ok := formatOfNumber(number, text)
		if !ok {
			return
		}
		plain, percent := strings.CutSuffix(strings.ReplaceAll(text, ",", ""), "%")
		shown, err := strconv.ParseFloat(plain, 64)
		_, fraction, _ := strings.Cut(plain, ".")
		unit := math.Pow10(-len(fraction))
		if percent {
			number *= 100
		}
		if apart := math.Abs(number - shown); err != nil || !(apart <= unit/2+math.Abs(shown)*1e-15) || strings.Trim(plain, "-.0123456789") != "" {
			t.Errorf("%q shown as %q under %q: %v apart, %v", raw, text, format, apart, err)
		}
	})
}
