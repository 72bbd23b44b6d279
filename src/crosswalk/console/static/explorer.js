// The explorer: one call with the page's own token, unified and remote data side by side, and the call as a program.

const { h, call, announce, busy, note, pretty, data } = await import(document.getElementById("script").dataset.kit);
const given = data();
const $ = (id) => document.getElementById(id);
const tokens = new Map();
const WRITES = new Set(["POST", "PATCH", "PUT", "DELETE"]);

/** The address of the call, and its body. */
function read() {
  const unified = $("api").value === "unified";
  const method = $("method").value;
  const query = new URLSearchParams($("query").value);
  query.set("integrated_account_id", $("account").value);
  if (unified && method === "GET" && !query.has("remote_data")) query.set("remote_data", "true");
  const path = $("path").value.trim().replace(/^\/+/, "");
  const url = new URL(`/${unified ? "unified" : "proxy"}/${path}?${query}`, location.origin);
  return { method, url, unified, body: WRITES.has(method) && method !== "DELETE" ? $("body").value : undefined };
}

/** A token for the chosen account; kept on this page alone. */
async function token() {
  const write = $("write").checked;
  const key = `${$("account").value} ${write}`;
  if (!tokens.has(key)) tokens.set(key, (await call("POST", "/explorer/tokens", { account: $("account").value, write })).token);
  return tokens.get(key);
}

$("call")?.addEventListener("submit", (event) => {
  event.preventDefault();
  busy($("send"), $("problem"), async () => {
    const asked = read();
    const headers = { Authorization: `Bearer ${await token()}`, Accept: "application/json" };
    if (asked.body !== undefined) headers["Content-Type"] = "application/json";
    const began = performance.now();
    let answer;
    try { answer = await fetch(asked.url, { method: asked.method, headers, body: asked.body, credentials: "omit" }); }
    catch { return $("problem").replaceChildren(note("bad", h("p", {}, "Crosswalk does not answer. Is it running?"))); }
    const text = await answer.text();
    draw(asked, answer, text, Math.round(performance.now() - began));
    return announce(`The answer is ${answer.status}`);
  });
});

function draw(asked, answer, text, milliseconds) {
  const line = h("p", { class: "line" }, h("span", { class: `state ${answer.ok ? "good" : "bad"}` }, `${answer.status} ${answer.statusText}`),
    h("span", { class: "hush" }, `${milliseconds.toLocaleString("en")} ms`), answer.headers.has("x-request-id") ? h("span", { class: "hush" }, `request ${answer.headers.get("x-request-id")}`) : null);
  const [ours, remote] = asked.unified ? split(text) : [pretty(text), null];
  $("answer").replaceChildren(line, pane(asked.unified ? "Unified" : "Insightly's answer", ours || "No body."), ...(remote ? [pane("Remote data", remote)] : []));
}

const pane = (title, text) => h("section", { class: "card" }, h("h2", {}, title), h("pre", { tabindex: 0, role: "region", "aria-label": title }, text));

/** What we say, and beside it what Insightly said, for each record. */
function split(text) {
  let found;
  try { found = JSON.parse(text); } catch { return [text, null]; }
  const remote = [];
  const strip = (record) => {
    if (!record || typeof record !== "object" || !("remote_data" in record)) return record;
    const { remote_data: original, ...rest } = record;
    remote.push(original);
    return rest;
  };
  const ours = Array.isArray(found.result) ? { ...found, result: found.result.map(strip) } : strip(found);
  return [JSON.stringify(ours, null, 2), remote.length ? JSON.stringify(Array.isArray(found.result) ? remote : remote[0], null, 2) : null];
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function asCurl({ method, url, body }) {
  const parts = [`curl ${quote(url.href)}`, `-H "Authorization: Bearer $CROSSWALK_TOKEN"`];
  if (method !== "GET") parts.splice(1, 0, `-X ${method}`);
  if (body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quote(body)}`);
  return parts.join(" \\\n  ");
}

function asPython({ method, url, body }) {
  const headers = `{"Authorization": "Bearer " + os.environ["CROSSWALK_TOKEN"]${body === undefined ? "" : ', "Content-Type": "application/json"'}}`;
  const data = body === undefined ? "" : `, data=${JSON.stringify(body)}.encode()`;
  return ["import json", "import os", "import urllib.request", "", `headers = ${headers}`,
    `request = urllib.request.Request(${JSON.stringify(url.href)}${data}, headers=headers, method="${method}")`,
    "with urllib.request.urlopen(request) as answer:", '    print(json.dumps(json.loads(answer.read() or b"null"), indent=2))', ""].join("\n");
}

for (const [id, write] of [["curl", asCurl], ["python", asPython]]) $(id)?.addEventListener("click", async () => {
  const text = write(read());
  try {
    await navigator.clipboard.writeText(text);
    $("problem").replaceChildren(note("good", h("p", {}, "Copied. Put a token into CROSSWALK_TOKEN."), h("pre", { tabindex: 0 }, text)));
  } catch { $("problem").replaceChildren(note("info", h("p", {}, "Copy it from here:"), h("pre", { tabindex: 0 }, text))); }
  announce("The call is written out as a program");
});

function complete() {
  const known = given.routes[$("api").value];
  $("paths").replaceChildren(...known.map((each) => h("option", { value: each.path }, each.methods.join(", "))));
}

$("api")?.addEventListener("change", () => {
  complete();
  $("path").value = $("api").value === "unified" ? "crm/contacts" : "Contacts";
});
$("method")?.addEventListener("change", () => { $("body-field").hidden = !WRITES.has($("method").value) || $("method").value === "DELETE"; });
if ($("api")) complete();
