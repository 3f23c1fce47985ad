//go:build servers

package html

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// browser is a headless Chromium and one tab of it. It is spoken to by the DevTools
// protocol over two pipes, a JSON message and a NUL at a time: without a port that
// another process could take, and without a library of a thousand commands of which
// these tests need ten.
type browser struct {
	t       testing.TB
	to      io.Writer
	from    *bufio.Reader
	session string
	calls   int
	events  []devtools // those that came so far
}

// devtools is a message of the protocol: an answer, where it has an ID, or an event.
type devtools struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func newBrowser(t testing.TB) *browser {
	t.Helper()
	theirIn, ourOut := pipe(t)
	ourIn, theirOut := pipe(t)
	command := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe")
	command.ExtraFiles = []*os.File{theirIn, theirOut} // descriptors 3 and 4
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{t: t, to: ourOut, from: bufio.NewReader(ourIn)}
	t.Cleanup(func() { b.quit(command) })
	b.attach()
	return b
}

// quit ends Chromium. It has to leave by itself, or its children still write into a
// directory that is being removed.
func (b *browser) quit(command *exec.Cmd) {
	if _, err := b.to.Write([]byte("{\"id\":0,\"method\":\"Browser.close\"}\x00")); err != nil {
		command.Process.Kill()
	}
	io.Copy(io.Discard, b.from)
	command.Wait()
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// attach opens the tab.
func (b *browser) attach() {
	b.t.Helper()
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
}

// call sends a command and reads the answer into result.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.calls++
	message := map[string]any{"id": b.calls, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.t.Fatal(err)
	}
	answer := b.read(func(m devtools) bool { return m.ID == b.calls })
	if answer.Error != nil {
		b.t.Fatalf("%s: %s", method, answer.Error.Message)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

// read returns the next message that is the wanted one, and keeps the events before it.
func (b *browser) read(wanted func(devtools) bool) devtools {
	b.t.Helper()
	for {
		text, err := b.from.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("Chromium has gone: %v", err)
		}
		var m devtools
		if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
			b.t.Fatal(err)
		}
		if m.ID == 0 {
			b.events = append(b.events, m)
		}
		if wanted(m) {
			return m
		}
	}
}

// event returns the parameters of the events with this name that have come.
func (b *browser) event(method string) []string {
	var found []string
	for _, e := range b.events {
		if e.Method == method {
			found = append(found, string(e.Params))
		}
	}
	return found
}

// load shows a page.
func (b *browser) load(page []byte) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "report.html")
	if err := os.WriteFile(path, page, 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.call("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	b.read(func(m devtools) bool { return m.Method == "Page.loadEventFired" })
}

// open shows a page and waits until its script is ready.
func (b *browser) open(page []byte) {
	b.t.Helper()
	b.load(page)
	b.eval(`new Promise((done) => {
		const look = () => document.getElementById("static").hidden ? done(true) : setTimeout(look);
		look();
	})`)
}

// eval returns the value of an expression in the page, of a promise what it comes to.
func (b *browser) eval(expression string) any {
	b.t.Helper()
	var evaluated struct {
		Result struct {
			Value any
		}
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &evaluated)
	if evaluated.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, evaluated.ExceptionDetails)
	}
	return evaluated.Result.Value
}

// texts returns the text of all elements that a selector finds, as they are shown.
func (b *browser) texts(selector string) []string {
	b.t.Helper()
	list, ok := b.eval(fmt.Sprintf("[...document.querySelectorAll(%q)].map((e) => e.innerText.trim())", selector)).([]any)
	if !ok {
		b.t.Fatalf("%s: no list", selector)
	}
	texts := make([]string, len(list))
	for i, text := range list {
		texts[i] = fmt.Sprint(text)
	}
	return texts
}

// press types keys, by the names that DOM events have for them.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, " ": 32, "ArrowDown": 40, "ArrowUp": 38}
	for _, key := range keys {
		event := map[string]any{"key": key, "code": key, "windowsVirtualKeyCode": codes[key], "type": "keyDown"}
		switch key {
		case "Enter":
			event["text"] = "\r"
		case " ":
			event["text"], event["code"] = " ", "Space"
		}
		b.call("Input.dispatchKeyEvent", event, nil)
		delete(event, "text")
		event["type"] = "keyUp"
		b.call("Input.dispatchKeyEvent", event, nil)
	}
}

// write types text where the focus is.
func (b *browser) write(text string) {
	b.t.Helper()
	b.call("Input.insertText", map[string]any{"text": text}, nil)
}

// choose sets a control as a user does.
func (b *browser) choose(id, value string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`(() => {
		const control = document.getElementById(%q);
		control.value = %q;
		control.dispatchEvent(new Event("input", { bubbles: true }));
		control.dispatchEvent(new Event("change", { bubbles: true }));
	})()`, id, value))
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.eval(fmt.Sprintf("document.querySelector(%q).click()", selector))
}

// scheme sets the colours that the user prefers: light or dark.
func (b *browser) scheme(scheme string) {
	b.t.Helper()
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// width makes the window so many CSS pixels wide, as that of a phone if it is narrow.
func (b *browser) width(pixels int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": pixels, "height": 844, "deviceScaleFactor": 1, "mobile": pixels < 600}, nil)
}

// roles counts what a screen reader finds on the page.
func (b *browser) roles() map[string]int {
	b.t.Helper()
	var tree struct {
		Nodes []struct {
			Ignored bool
			Role    struct{ Value string }
		}
	}
	b.call("Accessibility.getFullAXTree", nil, &tree)
	roles := make(map[string]int)
	for _, n := range tree.Nodes {
		if !n.Ignored {
			roles[n.Role.Value]++
		}
	}
	return roles
}

// paper prints the page to a PDF file.
func (b *browser) paper(path string) {
	b.t.Helper()
	var printed struct{ Data string }
	b.call("Page.printToPDF", map[string]any{"preferCSSPageSize": false, "paperWidth": 8.27, "paperHeight": 11.69}, &printed)
	b.keep(path, printed.Data)
}

func (b *browser) keep(path, base64Data string) {
	b.t.Helper()
	data, err := base64.StdEncoding.DecodeString(base64Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
