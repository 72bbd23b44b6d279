// The panel at the right: the exact calls, edited in place, sent as tests, and what a test made deleted again.

const TELL = { delivered: ["good", "Delivered"], dead: ["bad", "Refused"], held: ["warn", "Unknown"] };
const OURS = new Set(["authorization", "content-type"]);

/**
 * The panel. `flow` gives `rows()`, `settings()`, `wish()`, `save()` (a saved draft, made if need be) and `kit`.
 * Answers `refresh`, to be called on every change.
 */
export function panel(flow, { h, call, announce, busy, pretty, note, later, Problem }) {
  const place = document.getElementById("samples");
  const test = document.getElementById("test");
  let asked = null;
  let testing = false;
  const open = new Set([0]);

  test.addEventListener("click", () => {
    testing = !testing;
    test.setAttribute("aria-pressed", String(testing));
    place.classList.toggle("testing", testing);
    if (testing) {
      const first = place.querySelector("details");
      if (first) { first.open = true; first.querySelector("textarea, input")?.focus(); }
      announce("Each sample can be sent as one real call");
    }
  });

  async function load() {
    const wish = flow.wish();
    asked?.abort();
    if (!wish) return place.replaceChildren(h("p", { class: "hush" }, flow.missing()));
    asked = new AbortController();
    place.setAttribute("aria-busy", "true");
    try {
      const found = await call("POST", "/flow/preview", wish, { signal: asked.signal });
      draw(found);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Problem)) throw error;
      place.replaceChildren(note("bad", h("p", {}, error.message)));
    }
    place.setAttribute("aria-busy", "false");
  }

  function draw(found) {
    const kept = new Map([...place.querySelectorAll("details[data-edited]")].map((each) => [each.dataset.key, each]));
    const parts = found.notes.map((each) => note("info", h("p", {}, each)));
    if (found.wrong) parts.push(note("warn", h("p", {}, found.wrong)));
    else if (!found.calls.length && !found.refused.length) parts.push(h("p", { class: "hush" }, "There is no sample record."));
    found.calls.forEach((each, index) => {
      const key = `${each.rows.join(",")}`;
      parts.push(kept.get(key) ?? sample(each, index, key));
    });
    if (found.refused.length) {
      parts.push(h("details", { class: "refused", open: !found.calls.length },
        h("summary", {}, `${found.refused.length} of the samples would be refused`),
        h("ul", {}, found.refused.map((each) => h("li", {}, h("strong", {}, `Row ${each.row}: `), each.reason)))));
    }
    place.replaceChildren(...parts);
  }

  function sample(made, index, key) {
    const url = h("input", { value: made.url, spellcheck: false, "aria-label": "URL of this sample" });
    const text = made.body === null ? "" : pretty(made.body);
    const body = h("textarea", { value: text, spellcheck: false, rows: Math.min(18, text.split("\n").length + 1), "aria-label": "Body of this sample" });
    const says = h("div", { class: "answer", role: "status" });
    const send = h("button", { type: "button", class: "main only-test" }, "Send test data");
    const reset = h("button", { type: "button", class: "quiet", hidden: true }, "Undo my edits");
    const wrong = h("p", { class: "wrong", hidden: true });
    const rows = made.rows.length === 1 ? `row ${made.rows[0]}` : `rows ${made.rows[0]} to ${made.rows.at(-1)}`;
    const shown = h("details", { class: "sample", open: open.has(index), "data-key": key },
      h("summary", {}, h("span", { class: "verb" }, made.method), h("span", { class: "path" }, path(made.url)), h("span", { class: "hush" }, rows)),
      h("label", { class: "label" }, "URL ", url),
      h("p", { class: "label" }, "Headers"),
      h("dl", { class: "headers" }, Object.entries(made.headers).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      made.body === null ? h("p", { class: "hush" }, "No body.") : h("label", { class: "label" }, "Body ", body),
      wrong,
      h("div", { class: "acts" }, send, reset, h("span", { class: "small hush only-test" }, "One real call to Insightly.")),
      says);
    shown.addEventListener("toggle", () => (shown.open ? open.add(index) : open.delete(index)));
    const edited = () => {
      const changed = url.value !== made.url || body.value !== text;
      if (changed) shown.dataset.edited = ""; else delete shown.dataset.edited;
      reset.hidden = !changed;
      wrong.hidden = isJson(body.value, made.body === null);
      wrong.textContent = wrong.hidden ? "" : "The body is not JSON.";
      send.disabled = !wrong.hidden;
    };
    url.addEventListener("input", edited);
    body.addEventListener("input", edited);
    reset.addEventListener("click", () => { delete shown.dataset.edited; refresh(); });
    send.addEventListener("click", () => busy(send, says, async () => {
      const draft = await flow.save();
      if (!draft) return;
      const own = Object.fromEntries(Object.entries(made.headers).filter(([name]) => !OURS.has(name.toLowerCase())));
      // as it came it goes as it came, byte for byte; edited, as it was edited
      const exact = made.body === null ? null : body.value === text ? made.body : body.value;
      const rows = flow.rows();
      const trial = await call("POST", `/flow/destinations/${draft.id}/tests`, {
        rows: made.rows.map((number) => rows[number - 1]).filter(Boolean),
        settings: flow.settings(),
        call: { method: made.method, url: url.value, headers: own, body: exact },
      });
      says.replaceChildren(outcome(draft, trial, says));
      announce(`The test was answered: ${trial.says}`);
    }));
    return shown;
  }

  function outcome(draft, trial, says) {
    const [kind, word] = TELL[trial.state] ?? ["", trial.state];
    const undo = h("button", { type: "button", class: "bad" }, "Delete what this test created");
    const undone = h("div", {});
    undo.addEventListener("click", () => busy(undo, undone, async () => {
      const gone = await call("DELETE", `/flow/destinations/${draft.id}/tests/${trial.run}`);
      if (gone.state === "delivered") undo.remove();
      undone.replaceChildren(note(gone.state === "delivered" ? "good" : "bad", h("p", {}, gone.state === "delivered" ? `Record ${trial.remote_id} is deleted again.` : gone.says)));
      announce(gone.says);
    }));
    return h("div", { class: "outcome" },
      h("p", { class: "line" }, h("span", { class: `state ${kind}` }, word),
        trial.status === null ? null : h("strong", {}, `${trial.status}`), h("span", { class: "hush" }, `${trial.elapsed_ms.toLocaleString("en")} ms`),
        trial.remote_id ? h("span", { class: "hush" }, `id ${trial.remote_id}`) : null),
      h("p", {}, trial.says),
      trial.response ? h("pre", { tabindex: 0, "aria-label": "Insightly's answer" }, pretty(trial.response)) : null,
      trial.undo ? undo : null, undone);
  }

  const refresh = later(load, 250);
  return { refresh };
}

function path(url) {
  try { const parts = new URL(url); return parts.pathname.replace(/^\/v3\.1/, "") + parts.search; } catch { return url; }
}

function isJson(text, none) {
  if (none) return true;
  try { const found = JSON.parse(text); return typeof found === "object" && found !== null; } catch { return false; }
}
