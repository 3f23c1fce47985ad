"use strict";
// The table of domains: searched, filtered, sorted and drawn page by page. What stands
// in the data is only ever put in as text.
(() => {
	const linesOfPage = 100;
	const linesOnPaper = 1000;
	const wordOfCopy = "Copy"; // on the button, when nothing is copied
	const statuses = ["permitted", "denied", "lookup-failed"];

	const byId = (id) => document.getElementById(id);
	const collate = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
	const count = (n) => n.toLocaleString("en-US");
	const counted = (n, what) => count(n) + " " + what + (n === 1 ? "" : "s");

	// make builds an element; strings among its children become text.
	const make = (tag, attributes, ...children) => {
		const element = document.createElement(tag);
		for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
		element.append(...children);
		return element;
	};

	let data; // as htmldata.go writes it
	let texts; // what is searched of each outcome besides the domain
	let found; // the numbers of the domains that pass the filters, sorted
	let page = 0;
	let sorting = { key: "rows", down: true };
	let only = null; // the outcomes that one fix of one CA is for
	let among = null; // the numbers of the domains of one group
	const open = new Set(); // the numbers of the domains that are shown in full

	const columns = () => data.labels.length + 4 + (data.placed ? 1 : 0) + (data.changed ? 1 : 0);
	const statusOf = (decision) => data.reasons[decision.reason].status;
	const detail = (decision, domain) => decision.detail.join(domain);

	const searchText = (o) => [o.found, o.owner, o.dnssec, o.onFailure, o.resolver, ...(o.records || []), ...(o.warnings || []),
		...o.decisions.map((d) => d.reason)].filter(Boolean).join(" ").toLowerCase();

	// passing returns a test of outcomes by the controls, but that of warnings.
	const passing = () => {
		const wanted = data.labels.map((_, i) => byId("status-" + i).value);
		const reason = byId("reason").value;
		return (o, number) => (!only || only.has(number)) &&
			wanted.every((status, i) => !status || statusOf(o.decisions[i]) === status) &&
			(!reason || o.decisions.some((d) => d.reason === reason));
	};

	// warnings of a domain, those of the spelling of its rows first.
	const warnings = (n) => [...(data.spelt[n] || []), ...(data.outcomes[data.of[n]].warnings || [])];

	// changed is how a domain differs from the earlier report, if there is one.
	const changed = (n) => data.changed[n] || "";

	// corroborated is what other places say of a domain, if there are some.
	const corroborated = (n) => data.corroborated[data.placed[n]];

	// asked is what is searched for a word: of an address its domain, and names as the
	// DNS has them. All that is searched is ASCII, but for readable names.
	const asked = (word) => {
		const [, name] = word.match(/@([^@]+?)[.,;>)]*$/) || [word, word];
		if (/^[!-~]*$/.test(name)) return name;
		try {
			return new URL("http://" + name).hostname;
		} catch {
			return name;
		}
	};

	const filter = () => {
		const typed = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
		const words = typed.map(asked);
		const isReadable = (n, word) => data.readable[n] && data.readable[n].includes(typed[words.indexOf(word)]);
		const passes = data.outcomes.map(passing());
		// For each outcome the words that are not in it, which the domain has to have.
		const missing = texts.map((text, i) => passes[i] && words.filter((word) => !text.includes(word)));
		const warning = byId("warning").value;
		const change = data.changed && byId("change").value;
		const value = data.placed && byId("corroborated").value;
		found = order().filter((n) => {
			const lacking = missing[data.of[n]];
			return lacking && (!among || among.has(n)) && (!warning || warnings(n).includes(warning)) && (!change || changed(n) === change) &&
				(!value || corroborated(n).values.includes(value)) &&
				lacking.every((word) => data.domains[n].includes(word) || isReadable(n, word) || (data.spelt[n] || []).some((code) => code.includes(word)));
		});
		page = 0;
		draw();
	};

	const rank = (values) => new Map([...new Set(values)].sort(collate).map((v, i) => [v, i]));

	// keys are what a column is sorted by. Outcomes are compared once for all domains.
	const keys = () => {
		const { key } = sorting;
		if (key === "domain") return null;
		if (key === "rows") return (n) => data.rows[n];
		if (key === "warnings") {
			const codes = data.domains.map((_, n) => warnings(n).join(" "));
			const places = rank(codes);
			return (n) => places.get(codes[n]);
		}
		const said = { change: changed, corroborated: (n) => corroborated(n).text }[key];
		if (said) {
			const places = rank(data.domains.map((_, n) => said(n)));
			return (n) => places.get(said(n));
		}
		const value = (o) => {
			if (key === "found") return o.found || "";
			const d = o.decisions[key];
			return statuses.indexOf(statusOf(d)) + " " + d.reason;
		};
		const values = data.outcomes.map(value);
		const ranks = rank(values);
		const ranked = values.map((v) => ranks.get(v));
		return (n) => ranked[data.of[n]];
	};

	// order returns the numbers of all domains, sorted; the last order is kept.
	let ordered = { of: "", numbers: null };
	let alphabet; // the numbers of the domains by their names
	const order = () => {
		const of = sorting.key + sorting.down;
		if (ordered.of === of) return ordered.numbers;
		let numbers = Uint32Array.from(data.domains, (_, n) => n);
		const key = keys();
		const sign = sorting.down ? -1 : 1;
		if (key) {
			const by = Float64Array.from(numbers, key);
			numbers.sort((a, b) => sign * (by[a] - by[b])); // stable
		} else {
			alphabet ||= Uint32Array.from(numbers).sort((a, b) => collate(data.domains[a], data.domains[b]));
			numbers = sorting.down ? alphabet.toReversed() : alphabet;
		}
		ordered = { of, numbers };
		return numbers;
	};

	const statusMark = (status) => make("span", { class: "status " + status },
		make("span", { "aria-hidden": "true" }, data.symbols[status]), " " + status);

	// labelled names the CA of a verdict if there are several.
	const labelled = (i) => (data.labels.length > 1 ? { "data-label": "for " + data.labels[i] } : {});

	const line = (n) => {
		const o = data.outcomes[data.of[n]];
		const button = make("button", { type: "button", class: "open", "aria-expanded": open.has(n), "data-domain": n }, data.domains[n]);
		const readable = data.readable[n] ? [" ", make("bdi", { class: "readable" }, data.readable[n])] : [];
		return make("tr", {},
			make("th", { scope: "row" }, button, ...readable),
			make("td", { class: "n", "data-label": "Rows" }, count(data.rows[n])),
			...o.decisions.map((d, i) => make("td", { class: "verdict", ...labelled(i) }, statusMark(statusOf(d)), " ", make("code", {}, d.reason))),
			make("td", { "data-label": "Records found at" }, o.found || ""),
			make("td", { "data-label": "Warnings" }, warnings(n).join(" ")),
			...(data.placed ? [make("td", { "data-label": "Corroborated" }, corroborated(n).text)] : []),
			...(data.changed ? [make("td", { "data-label": "Change" }, changed(n))] : []));
	};

	const fact = (name, ...value) => make("div", {}, make("dt", {}, name), make("dd", {}, ...value));

	const facts = (n) => {
		const o = data.outcomes[data.of[n]];
		const list = make("dl", { class: "facts" });
		if (o.found) list.append(fact("Records found at", o.found));
		if (o.owner && o.owner !== o.found) list.append(fact("Deciding name", o.owner + " (an alias leads there)"));
		for (const record of o.records || []) list.append(fact("Record now", make("code", {}, record)));
		if (o.left) list.append(fact("Records now", count(o.left) + " more are too long for this page; the CSV report has them."));
		if (o.dnssec) list.append(fact("DNSSEC", o.dnssec));
		if (o.onFailure) list.append(fact("After a failure", o.onFailure));
		if (o.resolver) list.append(fact("Answered by", o.resolver));
		if (data.placed) for (const said of corroborated(n).facts) list.append(fact("Corroborated", said));
		for (const code of warnings(n)) list.append(fact("Warning", make("code", {}, code), ": " + data.warnings[code]));
		return list;
	};

	// verdict is what is said of a domain for one CA.
	const verdict = (n, d, i, together) => {
		const parts = [];
		if (data.labels.length > 1) parts.push(make("h3", {}, data.labels[i]));
		parts.push(make("p", {}, statusMark(statusOf(d)), " ", detail(d, data.domains[n])));
		const { advice } = data.reasons[d.reason];
		if (advice) parts.push(make("p", {}, make("em", {}, advice)));
		if (d.fix === undefined) return parts;
		parts.push(make("p", {}, "To publish", ...(d.fix < data.cards ? [" (", make("a", { href: `#fix-${i}-${d.fix}` }, "in the fix list"), ")"] : []), ":"));
		parts.push(make("pre", {}, data.fixes[i][d.fix] || "This set is too long for this page. Take it from caa_fix in the CSV report."));
		if (together) parts.push(make("p", {}, data.groups[together.group].notes[i]));
		return parts;
	};

	// shared is what to publish for all CAs that are stopped.
	const shared = (together) => [
		make("h3", {}, data.groups[together.group].whom),
		make("p", {}, "To publish, for all of them:"),
		make("pre", {}, together.publish || "This set is too long for this page. A scan with --emit-fixes writes it to a file.")];

	const inFull = (n) => {
		const o = data.outcomes[data.of[n]];
		const together = data.together[o.together];
		const verdicts = o.decisions.flatMap((d, i) => verdict(n, d, i, together));
		const cell = make("td", { colspan: columns() }, ...verdicts, ...(together ? shared(together) : []), facts(n));
		return make("tr", { class: "detail" }, cell);
	};

	const lines = (from, to) => {
		const rows = document.createDocumentFragment();
		for (const n of found.slice(from, to)) {
			rows.append(line(n));
			if (open.has(n)) rows.append(inFull(n));
		}
		if (found.length === 0) rows.append(make("tr", {}, make("td", { colspan: columns() }, "No domain is like that.")));
		byId("table").tBodies[0].replaceChildren(rows);
	};

	const lastPage = () => Math.max(0, Math.ceil(found.length / linesOfPage) - 1);

	const say = (from, to) => {
		const rows = found.reduce((sum, n) => sum + data.rows[n], 0);
		const some = found.length === data.domains.length ? "" : count(found.length) + " of ";
		let text = `${some}${counted(data.domains.length, "domain")}, ${counted(rows, "row")}.`;
		if (found.length > to - from) text += ` Lines ${count(from + 1)} to ${count(to)} are shown.`;
		byId("shown").textContent = text;
	};

	const draw = () => {
		const from = page * linesOfPage;
		const to = Math.min(found.length, from + linesOfPage);
		lines(from, to);
		say(from, to);
		byId("pages").hidden = lastPage() === 0;
		byId("last").textContent = count(lastPage() + 1);
		byId("page").value = page + 1;
		byId("page").max = lastPage() + 1;
		for (const button of byId("pages").querySelectorAll("button")) {
			const back = button.dataset.page === "first" || button.dataset.page === "previous";
			button.setAttribute("aria-disabled", page === (back ? 0 : lastPage())); // and keeps the focus
		}
	};

	const turn = (to) => {
		const next = Math.min(Math.max(0, to), lastPage());
		if (!Number.isInteger(next)) return draw();
		page = next;
		draw();
	};

	const turnBy = (event) => {
		const button = event.target.closest("button");
		if (!button || button.getAttribute("aria-disabled") === "true") return;
		turn({ first: 0, previous: page - 1, next: page + 1, final: lastPage() }[button.dataset.page]);
	};

	const sortBy = (th) => {
		const { key } = th.dataset;
		sorting = { key, down: sorting.key === key ? !sorting.down : key === "rows" };
		for (const other of th.parentNode.cells) other.removeAttribute("aria-sort");
		th.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
		filter();
	};

	// toggle shows or hides a domain in full, where it stands, and keeps the focus.
	const toggle = (event) => {
		const button = event.target.closest("button.open");
		if (!button) return;
		const n = Number(button.dataset.domain);
		const row = button.closest("tr");
		const opening = !open.delete(n);
		if (opening) open.add(n);
		button.setAttribute("aria-expanded", opening);
		if (opening) row.after(inFull(n));
		else row.nextElementSibling.remove();
	};

	const reset = () => {
		only = among = null;
		byId("only").hidden = true;
		for (const control of byId("controls").querySelectorAll("input, select")) control.value = "";
	};

	// restrict shows what a fix is for.
	const restrict = (issuer, place) => {
		only = new Set();
		data.outcomes.forEach((o, i) => o.decisions[issuer].fix === place && only.add(i));
		const name = byId(`fix-${issuer}-${place}-name`).textContent;
		sayOnly(`Only the domains for which ${name} stops ${data.labels[issuer]}.`);
	};

	const sayOnly = (text) => {
		byId("only").firstElementChild.textContent = text;
		byId("only").hidden = false;
	};

	// gather shows the domains of a line of groups.
	const gather = (link) => {
		const [table, line] = link.dataset.group.split("-").map(Number);
		among = new Set(data.members[table][line]);
		const row = link.closest("tr");
		sayOnly(`Only the domains of ${row.cells[0].textContent} (${row.closest("table").tHead.rows[0].cells[0].textContent}).`);
	};

	// follow shows in the table what a link in the summary or in the fix list is about.
	const follow = (event) => {
		const link = event.target.closest("a[data-issuer], a[data-group]");
		if (!link) return;
		reset();
		const { issuer, status, fix } = link.dataset;
		if (link.dataset.group) gather(link);
		if (status) byId("status-" + issuer).value = status;
		if (fix) restrict(Number(issuer), Number(fix));
		filter();
	};

	// copy puts records on the clipboard, or at least selects them: a page from an
	// intranet without TLS may not write to the clipboard.
	const copy = async (button) => {
		const records = button.closest(".set").querySelector("pre.publish, pre.letter");
		getSelection().selectAllChildren(records);
		let said = "Copied";
		try {
			await navigator.clipboard.writeText(records.textContent);
		} catch {
			if (!document.execCommand("copy")) said = "Selected: copy it now";
		}
		byId("said").textContent = said;
		button.firstChild.data = said;
		setTimeout(() => { button.firstChild.data = wordOfCopy; }, 2000);
	};

	const prepareFixes = () => {
		document.body.append(make("p", { id: "said", class: "hidden", role: "status" }));
		for (const element of document.querySelectorAll(".action")) element.hidden = false;
		for (const button of document.querySelectorAll("button.copy")) button.addEventListener("click", () => copy(button));
		document.addEventListener("click", follow);
	};

	const prepareTable = () => {
		for (const th of byId("table").tHead.rows[0].cells) {
			th.replaceChildren(make("button", { type: "button" }, ...th.childNodes));
			th.firstChild.addEventListener("click", () => sortBy(th));
		}
		byId("table").tBodies[0].addEventListener("click", toggle);
		byId("controls").addEventListener("input", filter);
		byId("reset").addEventListener("click", () => { reset(); filter(); });
		byId("only").lastElementChild.addEventListener("click", () => { only = among = null; byId("only").hidden = true; filter(); byId("search").focus(); });
		byId("pages").addEventListener("click", turnBy);
		byId("page").addEventListener("change", () => turn(Number(byId("page").value) - 1));
		addEventListener("beforeprint", () => {
			const to = Math.min(found.length, linesOnPaper);
			lines(0, to);
			say(0, to);
		});
		addEventListener("afterprint", draw);
	};

	const start = () => {
		data = JSON.parse(byId("data").textContent);
		texts = data.outcomes.map(searchText);
		prepareFixes();
		prepareTable();
		byId("static").hidden = true;
		byId("controls").hidden = data.domains.length === 0;
		if (data.domains.length > 0) filter();
	};

	setTimeout(start); // the summary is shown first
})();
