package zone

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxTemplate bounds the record text of a $GENERATE, in octets, and maxWidth the
// digits of a number in it: together with maxGenerated they bound the work.
const (
	maxTemplate = 1 << 10
	maxWidth    = 32
)

// generate makes the records of BIND's $GENERATE start-stop[/step] record. In
// the record $ stands for the number, ${offset,width,base} for the number moved,
// padded and written in base d, o, x or X, and $$ or \$ for a dollar sign.
func (r *reader) generate(e entry) error {
	if len(e.tokens) < 3 {
		return errors.New("$GENERATE must be followed by start-stop and a record")
	}
	over, err := parseSpan(e.tokens[1].text)
	if err != nil {
		return fmt.Errorf("$GENERATE: %w", err)
	}
	if r.generated += over.count(); r.generated > maxGenerated {
		return fmt.Errorf("$GENERATE: more than %d records", maxGenerated)
	}
	template := e.text[e.tokens[2].start:]
	if len(template) > maxTemplate {
		return fmt.Errorf("$GENERATE: the record is over %d octets", maxTemplate)
	}
	for n := over.start; n <= over.stop; n += over.step {
		if err := r.generateOne(e, template, n); err != nil {
			return fmt.Errorf("$GENERATE with %d: %w", n, err)
		}
	}
	return nil
}

func (r *reader) generateOne(e entry, template string, n int) error {
	text, err := substitute(template, n)
	if err != nil {
		return err
	}
	one, err := newScanner(strings.NewReader(text), e.line).next()
	if err != nil {
		return err
	}
	one.comment = e.comment
	return r.record(one)
}

// span is the numbers of a $GENERATE, each below 2^30.
type span struct{ start, stop, step int }

func (s span) count() int { return (s.stop-s.start)/s.step + 1 }

func parseSpan(text string) (span, error) {
	numbers, stepText, stepped := strings.Cut(text, "/")
	if !stepped {
		stepText = "1"
	}
	startText, stopText, _ := strings.Cut(numbers, "-")
	start, err1 := strconv.ParseUint(startText, 10, 30)
	stop, err2 := strconv.ParseUint(stopText, 10, 30)
	step, err3 := strconv.ParseUint(stepText, 10, 30)
	if err := errors.Join(err1, err2, err3); err != nil || step == 0 || stop < start {
		return span{}, fmt.Errorf("%s is not start-stop or start-stop/step", quote(text))
	}
	return span{int(start), int(stop), int(step)}, nil
}

// substitute returns template with n for each $.
func substitute(template string, n int) (string, error) {
	var text strings.Builder
	for i := 0; i < len(template); i++ {
		rest := template[i+1:]
		switch {
		case template[i] == '\\': // escapes are checked: an octet follows
			text.WriteString(template[i : i+2])
			i++
		case template[i] != '$':
			text.WriteByte(template[i])
		case strings.HasPrefix(rest, "$"):
			text.WriteByte('$')
			i++
		case strings.HasPrefix(rest, "{"):
			modifier, _, closed := strings.Cut(rest[1:], "}")
			number, ok := modify(modifier, n)
			if !closed || !ok {
				return "", fmt.Errorf("%s is not ${offset,width,base}", quote("$"+rest))
			}
			text.WriteString(number)
			i += len(modifier) + 2
		default:
			text.WriteString(strconv.Itoa(n))
		}
	}
	return text.String(), nil
}

// modify returns n as offset[,width[,base]] wants it.
func modify(modifier string, n int) (string, bool) {
	offsetText, rest, _ := strings.Cut(modifier, ",")
	widthText, base, _ := strings.Cut(rest, ",")
	offset, err1 := strconv.ParseInt(offsetText, 10, 30)
	width, err2 := strconv.ParseUint(cmp.Or(widthText, "0"), 10, 8)
	moved := n + int(offset)
	if err1 != nil || err2 != nil || width > maxWidth || moved < 0 {
		return "", false
	}
	switch base = cmp.Or(base, "d"); base {
	case "d", "o", "x", "X":
		return fmt.Sprintf("%0*"+base, int(width), moved), true
	default: // BIND's nibbles among them
		return "", false
	}
}
