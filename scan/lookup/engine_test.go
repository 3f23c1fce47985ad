package lookup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// world plays resolvers over pipes, so that time can be synctest's. Each query
// is answered in a goroutine of its own.
type world struct {
	t testing.TB
	// answer returns the reply to a query, nil for none. It may sleep.
	answer func(w *world, q asked) []byte
	framed bool // over TCP, answer puts the lengths itself

	mu       sync.Mutex
	queries  []asked
	inFlight int
	most     int // of inFlight
}

// asked is a query as a resolver sees it.
type asked struct {
	server, network string
	name            string
	edns            bool
	wire            []byte
}

func (w *world) dial(_ context.Context, network, address string) (net.Conn, error) {
	client, server := net.Pipe()
	go w.serve(inTurn{server, make(chan struct{}, 1)}, network, address)
	return client, nil
}

// inTurn is a connection to which several goroutines write. A pipe would make them wait for
// a mutex, and who waits for one is not blocked durably: if nobody reads, time would stand
// still for good (testing/synctest).
type inTurn struct {
	net.Conn
	turn chan struct{}
}

func (c inTurn) Write(message []byte) (int, error) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	return c.Conn.Write(message)
}

func (w *world) serve(conn net.Conn, network, address string) {
	defer conn.Close()
	for {
		wire, err := readMessage(conn, network)
		if err != nil {
			return
		}
		var m dns.Msg
		if err := m.Unpack(wire); err != nil {
			w.t.Errorf("query: %v", err)
			return
		}
		name := strings.TrimSuffix(strings.ToLower(m.Question[0].Name), ".") // in mixed case, where nobody is on loopback
		q := asked{address, network, name, m.IsEdns0() != nil, wire}
		w.mu.Lock()
		w.queries = append(w.queries, q)
		w.inFlight++
		w.most = max(w.most, w.inFlight)
		w.mu.Unlock()
		go w.reply(conn, q)
	}
}

func (w *world) reply(conn net.Conn, q asked) {
	wire := w.answer(w, q)
	w.mu.Lock()
	w.inFlight--
	w.mu.Unlock()
	if wire == nil {
		return
	}
	if q.network == "tcp" && !w.framed {
		wire = append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	}
	_, _ = conn.Write(wire) // nobody may be there any more
}

func readMessage(conn net.Conn, network string) ([]byte, error) {
	buffer := make([]byte, maxMessage)
	if network == "udp" {
		n, err := conn.Read(buffer)
		return buffer[:n], err
	}
	if _, err := io.ReadFull(conn, buffer[:2]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint16(buffer)
	_, err := io.ReadFull(conn, buffer[:n])
	return buffer[:n], err
}

func (w *world) count(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(slices.Collect(func(yield func(asked) bool) {
		for _, q := range w.queries {
			if q.name == name && !yield(q) {
				return
			}
		}
	}))
}

// nothing answers that there are no records.
func nothing(w *world, q asked) []byte {
	labels := strings.Split(q.name, ".")
	soa := labels[len(labels)-1] + strings.TrimPrefix(exampleSOA, "example")
	return message{ra: true, authority: []string{soa}}.pack(w.t, q.wire)
}

var (
	serverA = mustServer("192.0.2.1:53")
	serverB = mustServer("192.0.2.2:53")
)

func mustServer(text string) Server {
	server, err := ParseServer(text)
	if err != nil {
		panic(err)
	}
	return server
}

// client returns one that asks w.
func (w *world) client(cfg Config) *Client {
	cfg.Dial = w.dial
	if cfg.Servers == nil {
		cfg.Servers = []Server{serverA}
	}
	r, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// look looks names up and returns the last Observation of each. A name must be
// handed over once, and once more where it failed and might not fail again. Whatever is
// handed over is evidence, and must be read from a snapshot as it is.
func look(t testing.TB, r *Client, names ...string) map[string]snapshot.Observation {
	t.Helper()
	got := make(map[string]snapshot.Observation)
	err := r.Lookup(t.Context(), batchesOf(t, names), func(batch []snapshot.Observation) {
		for _, o := range batch {
			if before, twice := got[o.Name.String()]; twice && (before.Failure == "" || !transient(before.Failure)) {
				t.Errorf("%v was handed over twice", o.Name)
			}
			got[o.Name.String()] = o
		}
		checkEvidence(t, batch)
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// file is a snapshot.File in memory.
type file struct{ bytes.Buffer }

func (*file) Sync() error { return nil }

// sameEvidence compares times as instants, nothing as nothing.
var sameEvidence = cmp.Options{
	cmpopts.EquateEmpty(), cmpopts.IgnoreFields(snapshot.Observation{}, "Doubted"), cmpopts.EquateComparable(domain.Name{}, caa.Property{}),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

// checkEvidence holds Observations to what a snapshot of them says.
func checkEvidence(t testing.TB, want []snapshot.Observation) {
	t.Helper()
	var f file
	w, err := snapshot.NewWriter(&f, snapshot.Header{}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	w.Put(want)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(slices.Clone(want), func(o snapshot.Observation) bool { return o.Transport == snapshot.Overlay })
	var got []snapshot.Observation
	for o, err := range snapshot.NewReader(&f, "answers.jsonl").All() {
		if err != nil {
			t.Errorf("a snapshot that cannot be read: %v", err)
		}
		got = append(got, o)
	}
	if diff := cmp.Diff(want, got, sameEvidence); diff != "" {
		t.Errorf("the snapshot says something else (-want +got)\n%s", diff)
	}
}

func batchesOf(t testing.TB, names []string) iter.Seq[[]domain.Name] {
	return func(yield func([]domain.Name) bool) {
		for chunk := range slices.Chunk(names, 10) {
			var batch []domain.Name
			for _, name := range chunk {
				batch = append(batch, mustName(t, name))
			}
			if !yield(batch) {
				return
			}
		}
	}
}

func TestEveryNameIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: nothing}
		r := w.client(Config{})
		var names []string
		for i := range 1000 {
			names = append(names, fmt.Sprintf("m%d.mail.example", i%500)) // each twice
		}
		got := look(t, r, names...)
		if want := 500 + 2; len(got) != want || len(w.queries) != want {
			t.Errorf("%d observations, %d queries, want %d of each: the names, mail.example and example", len(got), len(w.queries), want)
		}
		want := Stats{Domains: 1000, Done: 1000, Names: 502, Queries: 502}
		stats := r.Stats()
		if stats.Known = 0; stats != want { // how many came again after their answer depends on the moment
			t.Errorf("stats %+v, want %+v", stats, want)
		}
		if again := look(t, r, names...); len(again) != 0 || len(w.queries) != 502 {
			t.Errorf("a second look made %d observations and %d queries, want none", len(again), len(w.queries)-502)
		}
	})
}

// TestWhatIsInTheStoreIsNotAsked: the answers of an earlier run, of which some names are
// missing.
func TestWhatIsInTheStoreIsNotAsked(t *testing.T) {
	names := []string{"a.mail.example", "b.mail.example", "c.mail.example", "corp.example", "x.corp.example", "weak.corp.example"}
	answer := func(w *world, q asked) []byte {
		switch q.name {
		case "corp.example":
			return message{ra: true, answer: []string{`corp.example. 60 CAA 0 issuemail "ca.example"`}}.pack(w.t, q.wire)
		case "weak.corp.example": // its parent is asked too
			return message{ra: true, answer: []string{`weak.corp.example. 60 CAA 0 issue "ca.example"`}}.pack(w.t, q.wire)
		}
		return nothing(w, q)
	}
	for _, test := range []struct {
		missing []string // which the run before has not learnt
		known   int      // of names, that need no query
		asked   []string
	}{
		{nil, 6, nil},
		{[]string{"b.mail.example"}, 5, []string{"b.mail.example"}},
		{[]string{"a.mail.example", "corp.example"}, 3, []string{"a.mail.example", "corp.example"}}, // the set that decides for weak.corp.example is there
		{[]string{"example"}, 3, []string{"example"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var store snapshot.Store
			for _, o := range look(t, (&world{t: t, answer: answer}).client(Config{}), names...) {
				store.Put(o)
			}
			for _, name := range test.missing {
				store.Drop(mustName(t, name))
			}
			w := &world{t: t, answer: answer}
			r := w.client(Config{Store: &store})
			got := look(t, r, names...)
			if want := len(test.asked); len(got) != want || len(w.queries) != want {
				t.Errorf("without %v: %d answers and %d queries, want %d", test.missing, len(got), len(w.queries), want)
			}
			for _, name := range test.asked {
				if w.count(name) != 1 {
					t.Errorf("without %v: %s was asked %d times", test.missing, name, w.count(name))
				}
			}
			want := Stats{Domains: len(names), Done: len(names), Known: test.known, Names: len(test.asked), Queries: len(test.asked)}
			if stats := r.Stats(); stats != want {
				t.Errorf("without %v: stats %+v, want %+v", test.missing, stats, want)
			}
		})
	}
}

func TestTheClimbStopsAtTheFirstSetAndAtAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			switch q.name {
			case "corp.example":
				return message{ra: true, answer: []string{`corp.example. 60 CAA 0 issuemail "ca.example"`}}.pack(w.t, q.wire)
			case "bad.test":
				return message{rcode: dns.RcodeServerFailure}.pack(w.t, q.wire)
			}
			return nothing(w, q)
		}}
		got := look(t, w.client(Config{}), "eu.mail.corp.example", "x.bad.test")
		for _, name := range []string{"eu.mail.corp.example", "mail.corp.example", "corp.example", "x.bad.test", "bad.test"} {
			if _, ok := got[name]; !ok {
				t.Errorf("%s was not asked", name)
			}
		}
		if len(got) != 5 {
			t.Errorf("%d names asked, want 5: nothing above the set or the failure", len(got))
		}
		if o := got["bad.test"]; o.Failure != snapshot.ServFail || o.Attempts != 2 || o.Server != serverA.String() {
			t.Errorf("bad.test: %+v, want servfail after 2 attempts at %v", o, serverA)
		}
	})
}

// TestAboveASetThatDoesNotRestrictMailTheParentsAreAsked, to see what it hides; but
// what they say does not change where the climb ends.
func TestAboveASetThatDoesNotRestrictMailTheParentsAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			switch q.name {
			case "a.b.corp.example", "b.corp.example":
				return message{ra: true, answer: []string{q.name + `. 60 CAA 0 issue "ca.example"`}}.pack(w.t, q.wire)
			case "corp.example":
				return message{ra: true, answer: []string{`corp.example. 60 CAA 0 issuemail "ca.example"`}}.pack(w.t, q.wire)
			}
			return nothing(w, q)
		}}
		r := w.client(Config{})
		got := look(t, r, "a.b.corp.example", "b.corp.example")
		if _, asked := got["example"]; len(got) != 3 || asked {
			t.Errorf("%d names asked, want 3: the climb goes on as far as a set with issuemail", len(got))
		}
		if stats := r.Stats(); stats.Done != 2 || stats.Domains != 2 {
			t.Errorf("stats %+v, want 2 domains done", stats)
		}
		if steps, err := r.Trace(t.Context(), mustName(t, "a.b.corp.example")); err != nil || len(steps) != 1 {
			t.Errorf("%d steps (%v), want the one that ended the climb", len(steps), err)
		}
	})
}

func TestASilentNameCostsItsOwnDeadlineAndNobodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.name == "silent.example" {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
			return nothing(w, q)
		}}
		names := []string{"silent.example"}
		for i := range 200 {
			names = append(names, fmt.Sprintf("m%d.example", i))
		}
		start := time.Now()
		got := look(t, w.client(Config{Concurrency: 2}), names...)
		if o := got["silent.example"]; o.Failure != snapshot.Timeout || o.Attempts != 2 {
			t.Errorf("silent.example: %+v, want timeout after 2 attempts", o)
		}
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("the run took %v, want two tries of 5 s in each pass", took)
		}
		delete(got, "silent.example")
		for name, o := range got {
			if since := o.Time.Sub(start); o.Failure != "" || since > 2100*time.Millisecond {
				t.Errorf("%s: failure %q after %v: it waited for another name", name, o.Failure, since)
			}
		}
	})
}

func TestTheSecondAttemptGoesToAnotherServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.server == serverA.String() {
				return message{rcode: dns.RcodeRefused}.pack(w.t, q.wire)
			}
			return nothing(w, q)
		}}
		r := w.client(Config{Servers: []Server{serverA, serverB}})
		for name, o := range look(t, r, "a.example", "b.example", "c.example") {
			if o.Failure != "" || o.Server != serverB.String() {
				t.Errorf("%s: failure %q from %s, want an answer from %v", name, o.Failure, o.Server, serverB)
			}
		}
		if s := r.Stats(); s.Retries == 0 || s.Queries != s.Names+s.Retries {
			t.Errorf("stats %+v: want queries = names + retries", s)
		}
	})
}

func TestConcurrencyIsTheMostInFlight(t *testing.T) {
	for _, concurrency := range []int{1, 7} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				time.Sleep(50 * time.Millisecond)
				return nothing(w, q)
			}}
			var names []string
			for i := range 50 {
				names = append(names, fmt.Sprintf("m%d.example", i))
			}
			look(t, w.client(Config{Concurrency: concurrency}), names...)
			if w.most != concurrency {
				t.Errorf("at most %d in flight, want %d", w.most, concurrency)
			}
		})
	}
}

func TestRateLimitsQueriesRetriesIncluded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			return message{rcode: dns.RcodeYXDomain}.pack(w.t, q.wire)
		}}
		var names []string
		for i := range 25 {
			names = append(names, fmt.Sprintf("m%d.example", i))
		}
		start := time.Now()
		look(t, w.client(Config{Rate: 20}), names...)
		if took, want := time.Since(start), 4950*time.Millisecond; took < want-time.Millisecond || took > want+10*time.Millisecond {
			t.Errorf("100 queries at 20 a second took %v, want %v: the first at once", took, want)
		}
	})
}

func TestRepliesThatAreNotOursAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		w.answer = func(w *world, q asked) []byte {
			good := nothing(w, q)
			forged := message{ra: true, answer: []string{`mail.example. 60 CAA 0 issuemail "ca.example"`}}.pack(w.t, q.wire)
			forged[1] ^= 1 // another ID
			if q.name != "mail.example" {
				return good
			}
			time.Sleep(time.Second)
			return forged
		}
		o := look(t, w.client(Config{}), "mail.example")["mail.example"]
		if o.Failure != snapshot.Timeout || len(o.Records.Properties) > 0 {
			t.Errorf("mail.example: %+v, want a timeout: only forged replies came", o)
		}
	})
}

func TestALateReplyIsNotTakenForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			w.mu.Lock()
			firstID := w.queries[0].wire[:2]
			w.mu.Unlock()
			if q.name == "mail.example" && bytes.Equal(q.wire[:2], firstID) { // of the first try, sent again or not
				time.Sleep(6 * time.Second) // after the deadline
				return message{ra: true, answer: []string{`mail.example. 60 CAA 0 issuemail ";"`}}.pack(w.t, q.wire)
			}
			time.Sleep(3 * time.Second)
			return nothing(w, q)
		}}
		o := look(t, w.client(Config{}), "mail.example")["mail.example"]
		if o.Failure != "" || len(o.Records.Properties) > 0 || o.Attempts != 2 {
			t.Errorf("mail.example: %+v, want the answer to the second try", o)
		}
		time.Sleep(time.Minute) // for replies that nobody waits for any more
	})
}

func TestTruncatedRepliesAreAskedOverTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.network == "udp" && q.name == "mail.example" {
				cut := nothing(w, q) // an empty answer that must not be believed
				cut[2] |= 2
				return cut
			}
			return message{ra: true, answer: []string{q.name + `. 60 CAA 0 issuemail ";"`}}.pack(w.t, q.wire)
		}}
		o := look(t, w.client(Config{}), "mail.example")["mail.example"]
		if o.Failure != "" || len(o.Records.Properties) != 1 || o.Transport != snapshot.TCP {
			t.Errorf("mail.example: %+v, want one record over TCP", o)
		}
	})
}

func TestATCPConversationThatNeverEndsIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.network == "tcp" {
				return nil
			}
			cut := nothing(w, q)
			cut[2] |= 2
			return cut
		}}
		start := time.Now()
		o := look(t, w.client(Config{}), "mail.example")["mail.example"]
		if o.Failure != snapshot.Timeout || o.Transport != snapshot.TCP || time.Since(start) != 20*time.Second {
			t.Errorf("mail.example: %+v after %v, want a timeout over TCP after two tries of 5 s in each pass", o, time.Since(start))
		}
	})
}

// TestATCPConversationWaitsForOurReply: a message to another question is ignored,
// as over UDP.
func TestATCPConversationWaitsForOurReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, framed: true, answer: func(w *world, q asked) []byte {
			ours := message{ra: true, answer: []string{q.name + `. 60 CAA 0 issuemail ";"`}}.pack(w.t, q.wire)
			if q.network == "tcp" {
				foreign := nothing(w, q)
				foreign[1] ^= 1 // another ID
				both := append(binary.BigEndian.AppendUint16(nil, uint16(len(foreign))), foreign...)
				return append(binary.BigEndian.AppendUint16(both, uint16(len(ours))), ours...)
			}
			ours[2] |= 2
			return ours
		}}
		r := w.client(Config{})
		o := look(t, r, "mail.example")["mail.example"]
		if o.Failure != "" || len(o.Records.Properties) != 1 {
			t.Errorf("mail.example: %+v, want the set", o)
		}
	})
}

// TestAnswersAreHandedOverBeforeTheEngineWaits: what was learnt must be safe when
// the rows come slowly.
func TestAnswersAreHandedOverBeforeTheEngineWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: nothing}
		start := time.Now()
		var at []time.Duration
		slow := func(yield func([]domain.Name) bool) {
			yield([]domain.Name{mustName(t, "a.example")})
			time.Sleep(time.Minute)
			yield([]domain.Name{mustName(t, "b.example")})
		}
		err := w.client(Config{}).Lookup(t.Context(), slow, func(batch []snapshot.Observation) {
			for range batch {
				at = append(at, time.Since(start))
			}
		})
		if want := []time.Duration{0, 0, time.Minute}; err != nil || !slices.Equal(at, want) {
			t.Errorf("handed over at %v (%v), want %v: a, example, and then b", at, err, want)
		}
	})
}

// TestAReplyOverUDPDoesNotAnswerAQuestionOverTCP: somebody could have guessed the
// ID of the query before.
func TestAReplyOverUDPDoesNotAnswerAQuestionOverTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.network == "udp" {
				cut := message{ra: true}.pack(w.t, q.wire)
				cut[2] |= flagTC >> 8
				return slices.Concat(cut)
			}
			time.Sleep(time.Second) // meanwhile the datagram below comes
			return message{ra: true, answer: []string{"mail.example. 300 IN CAA 0 issuemail \"ca.example\""}}.pack(w.t, q.wire)
		}}
		r := w.client(Config{})
		dial := r.cfg.Dial
		r.cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if network == "udp" {
				conn = &again{Conn: conn}
			}
			return conn, err
		}
		if o := look(t, r, "mail.example")["mail.example"]; o.Transport != snapshot.TCP || len(o.Records.Properties) != 1 {
			t.Errorf("mail.example: %+v, want the set that came over TCP", o)
		}
	})
}

// again delivers each datagram once more, without the TC bit.
type again struct {
	net.Conn
	last []byte
}

func (a *again) Read(buffer []byte) (int, error) {
	if a.last != nil {
		n := copy(buffer, a.last)
		buffer[2] &^= flagTC >> 8
		a.last = nil
		return n, nil
	}
	n, err := a.Conn.Read(buffer)
	a.last = slices.Clone(buffer[:n])
	return n, err
}

func TestAnIDInFlightIsNotDrawnAgain(t *testing.T) {
	busy := slots{table: make([]*flight, mostSlots), used: mostSlots - 1}
	for id := range mostSlots {
		if id != 4711 {
			busy.table[id] = new(flight)
		}
	}
	f := &flight{query: queryFor(t, "mail.example")}
	busy.adopt(f, bufio.NewReader(rand.Reader), 0)
	if f.id() != 4711 || busy.find(4711) != f {
		t.Errorf("ID %d, want 4711, the only one that is free", f.id())
	}
}

// TestAnEchoedADIsNoSignOfValidation: a server that sends the query's bits back
// does not push the others aside.
func TestAnEchoedADIsNoSignOfValidation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.server == serverA.String() {
				return message{ra: true, ad: q.wire[flagsAt+1]&flagAD != 0}.pack(w.t, q.wire)
			}
			return message{ra: true}.pack(w.t, q.wire)
		}}
		leftOut, err := w.client(Config{Servers: []Server{serverA, serverB}}).Probe(t.Context())
		if err != nil || len(leftOut) > 0 {
			t.Errorf("left out %v (%v), want nobody", leftOut, err)
		}
	})
}

func TestProbeIgnoresWhatIsNotItsReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			forged := message{ra: true}.pack(w.t, q.wire)
			forged[1] ^= 1
			return forged
		}}
		if _, err := w.client(Config{}).Probe(t.Context()); !errors.Is(err, ErrNoServer) {
			t.Errorf("Probe = %v, want ErrNoServer: only a forged reply came", err)
		}
	})
}

// TestWhereOneResolverValidatesTheOthersAreNotAsked: a plain one would answer for
// a name whose signatures do not hold.
func TestWhereOneResolverValidatesTheOthersAreNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			validates := q.server == serverA.String()
			if q.name == "bogus.example" && validates {
				return message{ra: true, rcode: dns.RcodeServerFailure}.pack(w.t, q.wire)
			}
			return message{ra: true, ad: validates, authority: []string{exampleSOA}}.pack(w.t, q.wire)
		}}
		r := w.client(Config{Servers: []Server{serverB, serverA}})
		leftOut, err := r.Probe(t.Context())
		if err != nil || len(leftOut) != 1 || leftOut[0].Server != serverB || !errors.Is(leftOut[0].Err, errNotValidating) {
			t.Fatalf("left out %v (%v), want %v", leftOut, err, serverB)
		}
		if o := look(t, r, "bogus.example")["bogus.example"]; o.Failure != snapshot.ServFail {
			t.Errorf("bogus.example: %+v, want servfail", o)
		}
	})
}

func TestAResolverThatCannotBeReachedIsANetworkFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		r := w.client(Config{})
		r.cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			server.Close() // reads end, writes fail
			return client, nil
		}
		o := look(t, r, "mail.example")["mail.example"]
		if o.Failure != snapshot.Network || o.Attempts != 2 {
			t.Errorf("mail.example: %+v, want network after 2 attempts", o)
		}
	})
}

func TestCancellationEndsALookupAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte { return nil }}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		endless := func(yield func([]domain.Name) bool) {
			for i := 0; yield([]domain.Name{mustName(t, fmt.Sprintf("m%d.example", i))}); i++ {
				time.Sleep(time.Millisecond)
			}
		}
		start := time.Now()
		err := w.client(Config{}).Lookup(ctx, endless, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second+time.Millisecond {
			t.Errorf("Lookup = %v after %v, want the end of the context after 1 s", err, time.Since(start))
		}
	})
}

func TestProbeLeavesOutWhoDoesNotAnswerOrRecurse(t *testing.T) {
	serverC, serverD := mustServer("192.0.2.3:53"), mustServer("192.0.2.4:53")
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			switch q.server {
			case serverA.String():
				return nil
			case serverB.String():
				return message{aa: true}.pack(w.t, q.wire)
			case serverD.String():
				return message{ra: true, rcode: dns.RcodeServerFailure}.pack(w.t, q.wire)
			}
			return message{ra: true}.pack(w.t, q.wire)
		}}
		r := w.client(Config{Servers: []Server{serverA, serverB, serverC, serverD}})
		leftOut, err := r.Probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(leftOut) != 3 || leftOut[0].Server != serverA || leftOut[1].Server != serverB || leftOut[2].Server != serverD {
			t.Fatalf("left out %v, want %v, %v and %v", leftOut, serverA, serverB, serverD)
		}
		if !errors.Is(leftOut[2].Err, errNoRoot) {
			t.Errorf("%v is left out for %v, want errNoRoot", serverD, leftOut[2].Err)
		}
		if !errors.Is(leftOut[1].Err, errNoRecursion) {
			t.Errorf("%v is left out for %v, want errNoRecursion", serverB, leftOut[1].Err)
		}
		for name, o := range look(t, r, "mail.example") {
			if o.Server != serverC.String() {
				t.Errorf("%s was asked at %s, want %v", name, o.Server, serverC)
			}
		}
	})
}

func TestProbeFailsWhereNobodyIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte { return nil }}
		if _, err := w.client(Config{}).Probe(t.Context()); !errors.Is(err, ErrNoServer) {
			t.Errorf("Probe = %v, want ErrNoServer", err)
		}
	})
}

// TestWhatHasArrivedIsNotLate: while done takes longer than a try may, all replies
// come. None of the names has timed out.
func TestWhatHasArrivedIsNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			time.Sleep(20 * time.Millisecond)
			return nothing(w, q)
		}}
		var names []domain.Name
		for _, name := range manyNames(500) {
			names = append(names, mustName(t, name))
		}
		r := w.client(Config{Concurrency: 16, Timeout: time.Second, Attempts: 1})
		err := r.Lookup(t.Context(), slices.Chunk(names, 50), func(list []snapshot.Observation) {
			for _, o := range list {
				if o.Failure != "" {
					t.Errorf("%s: %s", o.Name, o.Failure)
				}
			}
			time.Sleep(1200 * time.Millisecond)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
