package snapshot

import (
	"encoding/json"
	"slices"
	"testing"

	"caascan/scan/domain"
)

// edeFailures are the failures that each INFO-CODE makes, by hand from RFC 8914, section 4:
// of an answer, and of SERVFAIL; no others make one. Of any other rcode only those
// make one that say that the answer is filtered or stale.
var (
	onAnswer = map[uint16]Failure{
		3: Stale, 19: Stale, 4: Filtered, 15: Filtered, 16: Filtered, 17: Filtered, 18: Filtered,
		6: DNSSECBogus, 7: DNSSECBogus, 8: DNSSECBogus, 9: DNSSECBogus, 10: DNSSECBogus, 11: DNSSECBogus, 12: DNSSECBogus,
		25: DNSSECBogus, 33: DNSSECBogus,
	}
	onServFail = map[uint16]Failure{
		3: Stale, 19: Stale, 4: Filtered, 15: Filtered, 16: Filtered, 17: Filtered, 18: Filtered,
		5: DNSSECBogus, 6: DNSSECBogus, 7: DNSSECBogus, 8: DNSSECBogus, 9: DNSSECBogus, 10: DNSSECBogus, 11: DNSSECBogus, 12: DNSSECBogus,
		25: DNSSECBogus, 22: NoAuthority, 23: NoAuthority,
	}
	onOthers = map[uint16]Failure{3: Stale, 19: Stale, 4: Filtered, 15: Filtered, 16: Filtered, 17: Filtered, 18: Filtered}
)

func TestWhatAnExtendedErrorMakesOfAReply(t *testing.T) {
	const refused = 5
	for code := range uint16(64) {
		list := []EDE{{Code: 0}, {Code: code}}
		for rcode, want := range map[uint16]Failure{
			noError: onAnswer[code], nxdomain: onAnswer[code], servFail: onServFail[code], refused: onOthers[code],
		} {
			if got := EDEFailure(rcode, list); got != want {
				t.Errorf("EDE %d with %s: %q, want %q", code, RCodeName(rcode), got, want)
			}
		}
	}
}

// TestASnapshotTakesWhatALookupMakes of each Extended DNS Error, and nothing else.
func TestASnapshotTakesWhatALookupMakes(t *testing.T) {
	for code := range uint16(64) {
		for _, failure := range []Failure{"", onAnswer[code]} {
			o := Observation{Name: mailExample(t), Transport: UDP, EDE: []EDE{{Code: code}}, Attempts: 1, Failure: failure}
			_, err := readBack(t, o)
			if taken := failure == onAnswer[code]; (err == nil) != taken {
				t.Errorf("EDE %d with failure %q: %v, want it taken: %v", code, failure, err, taken)
			}
		}
	}
}

func TestAMarkGoesWithItsFailure(t *testing.T) {
	for _, mark := range append(Marks(), "other") {
		for _, failure := range append(Failures(), "") {
			o := Observation{Name: mailExample(t), Transport: UDP, Attempts: 1, Failure: failure, Mark: mark}
			got, err := readBack(t, o)
			want := slices.Contains(Marks(), mark) && (failure == Filtered || (mark == MarkAfterServFail || mark == MarkKeys) && failure != "")
			if mark == MarkRoot { // no name's zone is to blame
				want = failure == Network
			}
			if (err == nil) != want || want && got.Mark != mark {
				t.Errorf("mark %q, failure %q: %+v (%v), want it taken: %v", mark, failure, got, err, want)
			}
		}
	}
}

// readBack returns what a snapshot of an Observation says.
func readBack(t *testing.T, o Observation) (Observation, error) {
	t.Helper()
	var l line
	octets, err := o.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(octets, &l); err != nil {
		t.Fatal(err)
	}
	return parseLine(&l, nil)
}

func mailExample(t *testing.T) domain.Name {
	t.Helper()
	name, err := domain.Parse("mail.example")
	if err != nil {
		t.Fatal(err)
	}
	return name
}
