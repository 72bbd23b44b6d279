// The wizard: account, endpoint, mapping, activation. The settings are made here and judged by the server.

const script = document.getElementById("script").dataset;
const kit = await import(script.kit);
const { h, call, announce, busy, note } = kit;
const { complete } = await import(script.complete);
const { panel } = await import(script.samples);
const { table, toRule, fromRule } = await import(script.rules);

const given = kit.data();
const $ = (id) => document.getElementById(id);
const { choices, dataset, rows } = given;
const columns = dataset.schema.columns.map((each) => ({ name: each.name, type: each.type === "string" ? each.looks : each.type }));
const state = begin(given.destination);
const templates = new Map(choices.templates.map((each) => [each.name, each]));
let fields = null;
let fieldsOf = "";

/** The form's state: of a destination's settings, or of none. */
function begin(destination) {
  const s = destination?.settings ?? {};
  const rules = [
    ...Object.entries(s.fields ?? {}).map(([field, column]) => fromRule(field, { column })),
    ...Object.entries(s.mapping ?? {}).map(([field, rule]) => fromRule(field, rule)),
    ...Object.entries(s.constants ?? {}).map(([field, constant]) => fromRule(field, { constant })),
  ];
  const { algorithm, size, ...options } = s.grouping ?? {};
  return {
    saved: destination, account: destination?.account_id ?? given.accounts.find((each) => each.status === "active")?.id ?? given.accounts[0]?.id ?? null,
    mode: s.method ? "advanced" : "template", template: s.template ?? "", idColumn: s.id_column ?? "", match: s.match ?? "",
    method: s.method ?? "POST", url: s.url ?? "", headers: Object.entries(s.headers ?? {}),
    dateFormat: s.date_format ?? "yyyy-MM-dd", timeUnit: s.time_unit ?? "Day", exclude: [...(s.exclude ?? [])],
    batching: Boolean(s.grouping), size: size ?? choices.batch_size, algorithm: algorithm ?? choices.groupings[0].name, options,
    respond: Boolean(s.response_webhook), responseDataset: s.response_webhook?.dataset ?? "", responseUrl: s.response_webhook?.url ?? "",
    responseWhole: s.response_webhook?.whole ?? true, rules, suggested: Boolean(destination), others: destination ? rest(s) : {},
    name: destination?.name ?? "",
  };
}

/** Settings that this form does not show are kept as they are. */
function rest(settings) {
  const shown = ["template", "method", "url", "headers", "date_format", "time_unit", "fields", "constants", "mapping", "exclude", "id_column", "match", "grouping", "response_webhook"];
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !shown.includes(name)));
}

const account = () => given.accounts.find((each) => each.id === state.account);
const template = () => (state.mode === "template" ? templates.get(state.template) : undefined);
const action = () => template()?.action ?? { POST: "create", PUT: "update", PATCH: "update", DELETE: "delete" }[state.method];
const namesRecord = (each) => Boolean(each) && (each.parameters?.length > 0 || ["update", "delete"].includes(each.action));

function settings() {
  const made = { ...state.others };
  if (state.mode === "template") {
    made.template = state.template;
    if (namesRecord(template()) && state.idColumn) made.id_column = state.idColumn;
  } else {
    Object.assign(made, { method: state.method, url: state.url });
    if (state.dateFormat !== "yyyy-MM-dd") made.date_format = state.dateFormat;
    if (state.timeUnit !== "Day") made.time_unit = state.timeUnit;
    const headers = state.headers.filter(([name]) => name.trim());
    if (headers.length) made.headers = Object.fromEntries(headers.map(([name, value]) => [name.trim(), value.trim()]));
  }
  if (state.match && action() !== "delete") made.match = state.match;
  if (state.rules.length && action() !== "delete") made.mapping = Object.fromEntries(state.rules.map((each) => [each.field, toRule(each)]));
  if (state.exclude.length) made.exclude = state.exclude;
  if (state.batching) made.grouping = grouping();
  if (state.respond) {
    made.response_webhook = { whole: state.responseWhole };
    if (state.responseDataset) made.response_webhook.dataset = state.responseDataset;
    if (state.responseUrl) made.response_webhook.url = state.responseUrl;
  }
  return made;
}

function grouping() {
  const takes = choices.groupings.find((each) => each.name === state.algorithm).options;
  const own = Object.entries(state.options).filter(([name, value]) => takes.includes(name) && value !== "");
  return { algorithm: state.algorithm, size: Number(state.size) || choices.batch_size, ...Object.fromEntries(own) };
}

/** Why there is nothing to show yet. */
function missing() {
  if (!state.account) return "Choose an account, and the calls show here.";
  if (state.mode === "template" && !state.template) return "Choose an endpoint, and the calls show here.";
  if (state.mode === "advanced" && !state.url) return "Write a URL, and the calls show here.";
  if (namesRecord(template()) && !state.idColumn) return `Choose the column for ${template().parameters?.[0]?.title ?? "the record's id"}, and the calls show here.`;
  return "";
}

const wish = () => (missing() ? null : { dataset: dataset.id, account: state.account, settings: settings() });
const samples = panel({ rows: () => rows, settings, wish, missing, save: saveDraft }, kit);

function changed() {
  samples.refresh();
  drawSaved();
}

// Steps

const STEPS = ["account", "endpoint", "mapping", "activate"];
for (const each of document.querySelectorAll("[data-step], [data-to]")) each.addEventListener("click", () => go(each.dataset.step ?? each.dataset.to));

async function go(step, { focus = true } = {}) {
  for (const each of STEPS) $(`step-${each}`).hidden = each !== step;
  for (const each of document.querySelectorAll("[data-step]")) {
    if (each.dataset.step === step) each.setAttribute("aria-current", "step"); else each.removeAttribute("aria-current");
  }
  if (focus) $(`h-${step}`).focus();
  if (step === "mapping") await loadFields();
  if (step === "activate") { nameIt(); await drawSaved({ forecast: true }); }
}

// Account

function drawAccounts() {
  $("accounts").replaceChildren(given.accounts.length
    ? h("div", { class: "field" }, h("label", { for: "account" }, "Credential"),
        h("div", { class: "row" },
          h("select", { id: "account", disabled: Boolean(state.saved), onchange: (event) => { state.account = event.target.value; $("account-says").replaceChildren(); drawPaths(); changed(); } },
            given.accounts.map((each) => h("option", { value: each.id, selected: each.id === state.account }, `${each.name}${each.instance_name ? `: ${each.instance_name}` : ""}`))),
          h("button", { type: "button", onclick: (event) => check(event.currentTarget) }, "Test the credential")),
        state.saved ? h("p", { class: "hint" }, "A destination keeps its account.") : null)
    : h("p", {}, "No Insightly is linked yet."));
}

const findings = (checked) => h("ul", { class: "findings" }, checked.findings.map((each) => h("li", { class: each.works ? "works" : "fails" }, h("strong", {}, each.what), ` ${each.says}`)));

function check(button) {
  return busy(button, $("account-says"), async () => {
    const checked = await call("POST", `/flow/accounts/${state.account}/check`, {});
    $("account-says").replaceChildren(note("good", h("p", {}, h("strong", {}, "The credential works.")), findings(checked)));
  });
}

$("link-form").addEventListener("submit", (event) => {
  event.preventDefault();
  busy($("link-go"), $("link-says"), async () => {
    const checked = await call("POST", "/flow/accounts", { name: $("link-name").value, api_key: $("link-key").value, where: $("link-where").value });
    $("link-key").value = "";
    given.accounts.push(checked.account);
    state.account = checked.account.id;
    $("link").open = false;
    drawAccounts();
    drawPaths();
    $("account-says").replaceChildren(note("good", h("p", {}, h("strong", {}, `${checked.account.name} is linked.`)), findings(checked)));
    changed();
  });
});

// Endpoint

for (const mode of ["template", "advanced"]) $(`tab-${mode}`).addEventListener("click", () => setMode(mode));
document.querySelector(".tabs").addEventListener("keydown", (event) => {
  if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const mode = state.mode === "template" ? "advanced" : "template";
  setMode(mode);
  $(`tab-${mode}`).focus();
});

function setMode(mode) {
  if (mode === "advanced" && state.mode === "template" && !state.url) copyTemplate();
  state.mode = mode;
  drawMode();
  changed();
}

/** The advanced tab begins where the template stands. */
function copyTemplate() {
  const chosen = template();
  const base = account()?.base_url ?? "";
  if (!chosen) { state.url = base ? `${base}/Contacts` : ""; drawUrl(); return; }
  const place = state.idColumn ? `{record.${state.idColumn}}` : "";
  state.method = chosen.method || "POST";
  const path = (chosen.path || `/${chosen.resource}`).replace("{id}", place || "{record.id}");
  state.url = base + path + (chosen.action === "update" && !path.includes("{") && place ? `/${place}` : "");
  drawUrl();
}

function drawMode() {
  for (const mode of ["template", "advanced"]) {
    const on = state.mode === mode;
    $(`tab-${mode}`).setAttribute("aria-selected", String(on));
    $(`tab-${mode}`).tabIndex = on ? 0 : -1;
    $(`panel-${mode}`).hidden = !on;
  }
}

$("template").value = state.template;
$("template").addEventListener("change", () => {
  state.template = $("template").value;
  state.idColumn = guessId(template());
  state.match = "";
  state.rules = [];
  state.suggested = false;
  drawTemplate();
  loadFields().then(changed);
});

/** The column that is called like a record's id, if there is one. */
function guessId(chosen) {
  if (!namesRecord(chosen)) return "";
  const wanted = [/^(insightly|record)?_?id$/i, new RegExp(`^${chosen.resource.replace(/s$/, "").replace(/ie$/, "y")}_?id$`, "i")];
  return columns.find((each) => wanted.some((pattern) => pattern.test(each.name)))?.name ?? "";
}

function drawTemplate() {
  const chosen = templates.get(state.template);
  if (!chosen) return $("template-about").replaceChildren(h("p", { class: "hush" }, "Each endpoint is one ready-made call a record. For any other call of the API choose Advanced."));
  const parameter = chosen.parameters?.[0];
  const pick = (label, says, value, set) => h("div", { class: "field" }, h("label", {}, label, h("select", { onchange: (event) => { set(event.target.value); changed(); } },
    h("option", { value: "" }, "Choose a column…"), columns.map((each) => h("option", { value: each.name, selected: each.name === value }, each.name)))), h("p", { class: "hint" }, says));
  $("template-about").replaceChildren(...[
    h("div", { class: "about" },
      h("p", {}, h("span", { class: "verb" }, chosen.method), " ", h("code", {}, chosen.path)),
      h("p", {}, chosen.says),
      chosen.required?.length ? h("p", { class: "small" }, "Required: ", chosen.required.map((each, index) => [index ? ", " : "", h("code", {}, each)])) : null,
      chosen.action === "create" ? h("p", { class: "small hush" }, "Insightly answers with the whole record and its new id. Process the answers as a dataset to keep it.") : null),
    ...(chosen.warnings ?? []).map((each) => note("warn", h("p", {}, each))),
    namesRecord(chosen) ? pick(parameter?.title ?? "Record ID", parameter ? `Choose ${parameter.says}.` : "Choose the column that holds the record's id.", state.idColumn, (value) => { state.idColumn = value; }) : null,
    ["create", "upsert"].includes(chosen.action) && !chosen.parameters?.length ? matchField() : null,
  ].filter(Boolean));
}

function matchField() {
  const must = action() === "upsert";
  const says = must ? "The record with this field's value is changed; without one, a record is made."
    : "When nobody knows whether a record was made, it is looked for by this field instead of being sent again.";
  const targets = fields?.targets.filter((each) => ["string", "text", "integer", "number", "email", "phone"].includes(each.type)) ?? [];
  const names = state.match && !targets.some((each) => each.name === state.match) ? [state.match, ...targets.map((each) => each.name)] : targets.map((each) => each.name);
  return h("div", { class: "field" }, h("label", {}, must ? "Match by" : "Tell records apart by ", must ? null : h("span", { class: "hush" }, "optional"),
    h("select", { id: "match", onchange: (event) => { state.match = event.target.value; changed(); } },
      h("option", { value: "" }, must ? "The usual field" : "Nothing"), names.map((each) => h("option", { value: each, selected: each === state.match }, each)))), h("p", { class: "hint" }, says));
}

function drawUrl() {
  $("method").value = state.method;
  $("url").value = state.url;
  $("method-says").textContent = choices.methods.find((each) => each.name === state.method)?.says ?? "";
}

function drawPaths() {
  const base = account()?.base_url;
  $("paths").replaceChildren(...(base ? choices.paths.map((each) => h("button", { type: "button", class: "chip", onclick: () => {
    state.url = `${base}/${each}${["PUT", "PATCH", "DELETE"].includes(state.method) ? `/${idMacro()}` : ""}`;
    drawUrl();
    changed();
  } }, each)) : []));
}

const idMacro = () => `{record.${columns.find((each) => /(^|_)id$/i.test(each.name))?.name ?? columns[0]?.name ?? "id"}}`;
const listen = (id, event, take) => $(id).addEventListener(event, () => { take($(id)); changed(); });

listen("method", "change", (input) => { state.method = input.value; drawUrl(); });
listen("url", "input", (input) => { state.url = input.value; fieldsOf = ""; });
listen("date-format", "input", (input) => { state.dateFormat = input.value; });
listen("time-unit", "change", (input) => { state.timeUnit = input.value; });
complete($("url"), () => given.macros);

function drawHeaders() {
  $("headers").replaceChildren(...state.headers.map((pair, index) => {
    const field = (at, label) => h("input", { value: pair[at], "aria-label": `${label} of header ${index + 1}`, placeholder: label.toLowerCase(), spellcheck: false, oninput: (event) => { pair[at] = event.target.value; changed(); } });
    const name = field(0, "Name");
    name.addEventListener("paste", (event) => paste(event, index));
    const value = field(1, "Value");
    const line = h("div", { class: "row header" }, name, h("span", {}, value), h("button", { type: "button", class: "quiet", "aria-label": `Remove header ${index + 1}`, onclick: () => { state.headers.splice(index, 1); drawHeaders(); changed(); } }, "×"));
    complete(value, () => given.macros);
    return line;
  }));
}

/** `a:b,c:d` becomes two headers. */
function paste(event, index) {
  const text = event.clipboardData?.getData("text") ?? "";
  const pairs = text.split(",").map((each) => each.split(/:(.*)/s).slice(0, 2).map((part) => part.trim()));
  if (!pairs.every((pair) => pair.length === 2 && pair[0])) return;
  event.preventDefault();
  state.headers.splice(index, 1, ...pairs);
  drawHeaders();
  changed();
}

$("add-header").addEventListener("click", () => {
  state.headers.push(["", ""]);
  drawHeaders();
  $("headers").lastElementChild.querySelector("input").focus();
});

function drawExcluded() {
  $("excluded").replaceChildren(...state.exclude.map((name) => h("li", { class: "chip" }, name, h("button", { type: "button", "aria-label": `Send ${name} again`, onclick: () => {
    state.exclude = state.exclude.filter((each) => each !== name);
    drawExcluded();
    changed();
    $("exclude").focus();
  } }, "×"))));
  $("excluded").hidden = !state.exclude.length;
  $("exclude").replaceChildren(h("option", { value: "" }, "Choose an attribute…"), ...columns.filter((each) => !state.exclude.includes(each.name)).map((each) => h("option", {}, each.name)));
}

$("exclude").addEventListener("change", () => {
  if (!$("exclude").value) return;
  state.exclude.push($("exclude").value);
  drawExcluded();
  changed();
});

const OPTION = {
  property: ["Property", "records", "The path of the list in its object."],
  constants: ["Beside it", "{}", "JSON of what stands beside the list, the same in every call."],
  key_attribute: ["Key attribute", "", "The field whose value names each record."],
  expression: ["Expression", "", "JSONata; the records are in `records`."],
};

function drawBatch() {
  const chosen = choices.groupings.find((each) => each.name === state.algorithm);
  $("batch").hidden = !state.batching;
  $("batching").checked = state.batching;
  $("batch-size").value = state.size;
  $("algorithm").value = state.algorithm;
  $("algorithm-says").textContent = chosen.says;
  $("batch-options").replaceChildren(...chosen.options.map((name) => {
    const [label, usual, says] = OPTION[name];
    const input = name === "expression" ? h("textarea", { rows: 3 }) : h("input", { placeholder: usual });
    input.value = state.options[name] ?? "";
    input.spellcheck = false;
    input.addEventListener("input", () => { state.options[name] = input.value; changed(); });
    const examples = name === "expression" ? h("div", { class: "chips" }, Object.entries(choices.examples).map(([title, text]) => h("button", { type: "button", class: "chip", onclick: () => { input.value = text; state.options[name] = text; changed(); } }, title))) : null;
    return h("div", { class: "field" }, h("label", {}, label, input), h("p", { class: "hint" }, says), examples);
  }));
}

listen("batching", "change", (input) => { state.batching = input.checked; drawBatch(); });
listen("batch-size", "input", (input) => { state.size = input.value; });
listen("algorithm", "change", (input) => { state.algorithm = input.value; drawBatch(); });

function drawResponse() {
  $("respond").checked = state.respond;
  $("response").hidden = !state.respond;
  $("response-dataset").value = state.responseDataset;
  $("response-url").value = state.responseUrl;
  $("response-whole").checked = state.responseWhole;
}

listen("respond", "change", (input) => { state.respond = input.checked; drawResponse(); });
listen("response-dataset", "input", (input) => { state.responseDataset = input.value; });
listen("response-url", "input", (input) => { state.responseUrl = input.value; });
listen("response-whole", "change", (input) => { state.responseWhole = input.checked; });

// Mapping

async function loadFields() {
  const now = JSON.stringify([state.account, state.mode, state.template, state.method, state.url]);
  const ready = state.account && (state.mode === "advanced" ? state.url : state.template);
  if (!ready) return $("mapping").replaceChildren(h("p", { class: "hush" }, "Choose an account and an endpoint first."));
  if (now !== fieldsOf) {
    fieldsOf = now;
    $("mapping").replaceChildren(h("p", { class: "hush" }, "Reading the fields…"));
    const own = state.mode === "template" ? { template: state.template } : { method: state.method, url: state.url };
    try { fields = await call("POST", "/flow/fields", { dataset: dataset.id, account: state.account, settings: own }); }
    catch (error) {
      fieldsOf = "";
      if (!(error instanceof kit.Problem)) throw error;
      return $("mapping").replaceChildren(note("bad", h("p", {}, error.message)));
    }
    if (now !== fieldsOf) return undefined;
    if (!state.suggested) suggest();
    if (state.mode === "template") drawTemplate();
  }
  return drawMapping();
}

function suggest() {
  state.suggested = true;
  if (!fields.suggestion) return;
  if (namesRecord(template()) && !state.idColumn && fields.suggestion.id_column) state.idColumn = fields.suggestion.id_column;
  state.rules = fields.suggestion.matches.map((each) => fromRule(each.field, each.rule));
  announce(`${state.rules.length} fields are mapped by their names`);
  drawTemplate();
  changed();
}

function drawMapping() {
  if (action() === "delete") return $("mapping").replaceChildren(h("p", {}, "A record is deleted by its id; no field is sent."));
  if (!fields.targets.length) return $("mapping").replaceChildren(h("p", {}, "This call takes no fields of a record that could be mapped. Every column goes under its own name."));
  const list = h("div", {});
  const drawn = table(list, state.rules, { targets: fields.targets, columns, choices }, () => { drawUnused(unused); changed(); }, kit);
  const unused = h("div", {});
  $("mapping").replaceChildren(
    fields.says ? note("warn", h("p", {}, fields.says)) : "",
    h("div", { class: "acts" },
      fields.suggestion ? h("button", { type: "button", onclick: () => { suggest(); drawMapping(); } }, "Suggest by names") : "",
      h("button", { type: "button", onclick: () => { state.rules.length = 0; drawn.draw(); drawUnused(unused); changed(); announce("Every column goes under its own name"); } }, "Send columns as they are")),
    list, unused);
  return drawUnused(unused);
}

function drawUnused(place) {
  const used = new Set([...state.rules.filter((each) => each.from === "column").map((each) => each.value), state.idColumn]);
  const left = columns.filter((each) => !used.has(each.name));
  place.replaceChildren(state.rules.length && left.length ? h("p", { class: "small hush" }, `Not sent: ${left.map((each) => each.name).join(", ")}.`) : "");
}

// Save and activate

function nameIt() {
  if (!$("flow-name").value) $("flow-name").value = state.name || `${dataset.name}-${state.mode === "template" ? state.template || "call" : "call"}`.slice(0, 64);
}

$("flow-name").value = state.name;
let typed = false;
$("flow-name").addEventListener("input", () => { typed = true; drawSaved(); });

/** The destination as a draft; made on first use. Its problem is shown at the top, and `null` answered. */
async function saveDraft() {
  if (state.saved) return state.saved;
  return save();
}

async function save() {
  $("problem").replaceChildren();
  const why = missing();
  if (why) { $("problem").replaceChildren(note("warn", h("p", {}, why.replace(/, and the calls show here/, "")))); return null; }
  nameIt();
  try {
    state.saved = state.saved
      ? await call("PATCH", `/flow/destinations/${state.saved.id}`, { settings: settings(), version: state.saved.version })
      : await create($("flow-name").value.trim());
  } catch (error) {
    if (!(error instanceof kit.Problem)) throw error;
    $("problem").replaceChildren(note("bad", h("p", {}, error.message)));
    $("problem").scrollIntoView({ block: "nearest" });
    return null;
  }
  $("flow-name").readOnly = true;
  state.name = state.saved.name;
  drawAccounts();
  history.replaceState(null, "", `?destination=${encodeURIComponent(state.saved.name)}`);
  drawSaved();
  return state.saved;
}

/** A draft of this name; a name that nobody typed gets a number where it is taken. */
async function create(name) {
  for (let number = 1; ; number += 1) {
    const tried = number === 1 ? name : `${name.slice(0, 60)}-${number}`;
    try {
      const made = await call("POST", "/flow/destinations", { dataset: dataset.id, account: state.account, name: tried, settings: settings() });
      $("flow-name").value = made.name;
      return made;
    } catch (error) {
      if (typed || number === 20 || error.problem?.status !== 409) throw error;
    }
  }
}

$("done").addEventListener("click", () => busy($("done"), $("problem"), async () => {
  if (await save()) {
    announce(`${state.saved.name} is saved, version ${state.saved.version}`);
    await go("activate");
  }
}));

const isSaved = () => Boolean(state.saved) && equal(settings(), state.saved.settings);
const KIND = { active: "good", paused: "warn", draft: "" };

async function drawSaved({ forecast = false } = {}) {
  const place = $("saved");
  if ($("step-activate").hidden) return;
  if (!state.saved) {
    place.replaceChildren(h("p", {}, "Done saves the destination as a draft. Then you can activate it, now or later."));
    return;
  }
  if (forecast || !place.querySelector(".destination")) {
    const says = h("div", { class: "forecast" }, h("p", { class: "hush" }, "Reckoning…"));
    place.replaceChildren(summary(), says);
    says.replaceChildren(...(await readForecast()));
  } else place.querySelector(".destination").replaceWith(summary());
}

function summary() {
  const one = state.saved;
  const item = (text, work) => h("button", { type: "button", onclick: (event) => { event.target.closest("details").open = false; work(event.currentTarget); } }, text);
  return h("div", { class: "destination" },
    h("div", {}, h("strong", {}, one.name), " ", h("span", { class: `state ${KIND[one.state] ?? ""}` }, one.state), h("p", { class: "small hush" }, `Version ${one.version}${isSaved() ? "" : ", with changes that are not saved"}`)),
    h("details", { class: "menu" }, h("summary", {}, "Menu"), h("div", { class: "items" },
      one.state === "active" ? item("Pause", pause) : item("Activate", activate),
      h("a", { href: `/destinations/${encodeURIComponent(one.name)}` }, "Open the destination"),
      h("a", { href: "/flows" }, "Back to the flows"))));
}

async function readForecast() {
  try {
    const found = await call("GET", `/flow/destinations/${state.saved.id}/forecast`);
    const share = found.quota ? h("meter", { min: 0, max: found.quota, value: Math.min(found.calls, found.quota), "aria-label": "Share of the day's calls" }) : null;
    return [h("h3", {}, "Forecast"), h("p", {}, `${found.rows.toLocaleString("en")} records wait: `, h("strong", {}, found.says), "."), share];
  } catch (error) {
    if (!(error instanceof kit.Problem)) throw error;
    return [note("warn", h("p", {}, error.message))];
  }
}

async function activate(button) {
  if (!isSaved() && !(await save())) return;
  if (state.saved.backlog > 0) return decide();
  await busy(button, $("problem"), () => start(undefined));
}

async function decide() {
  $("backlog-says").textContent = `${state.saved.backlog.toLocaleString("en")} records of ${dataset.name} wait already. What becomes of them?`;
  $("backlog-forecast").replaceChildren(...(await readForecast()));
  $("backlog").showModal();
}

async function start(backlog) {
  const made = await call("POST", `/flow/destinations/${state.saved.id}/activate`, backlog ? { backlog } : {});
  state.saved = made;
  announce(`${made.name} is active`);
  await drawSaved({ forecast: true });
  $("problem").replaceChildren(note("good", h("p", {}, `${made.name} is active. `, made.run ? h("a", { href: `/runs/${made.run}` }, "Watch the run") : "New records go by themselves.")));
}

async function pause(button) {
  await busy(button, $("problem"), async () => {
    state.saved = await call("POST", `/flow/destinations/${state.saved.id}/pause`, {});
    announce(`${state.saved.name} is paused`);
    await drawSaved();
  });
}

for (const choice of ["send", "skip"]) $(`backlog-${choice}`).addEventListener("click", (event) => {
  $("backlog").close();
  busy(event.currentTarget, $("problem"), () => start(choice));
});
$("backlog-leave").addEventListener("click", () => $("backlog").close());

/** Whether two values are the same, whatever the order of their keys. */
function equal(one, other) {
  const sort = (value) => (value && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sort(value[key])])) : Array.isArray(value) ? value.map(sort) : value);
  return JSON.stringify(sort(one)) === JSON.stringify(sort(other));
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
});

$("date-format").value = state.dateFormat;
$("time-unit").value = state.timeUnit;
drawAccounts();
drawMode();
drawTemplate();
drawUrl();
drawPaths();
drawHeaders();
drawExcluded();
drawBatch();
drawResponse();
samples.refresh();
if (state.saved) go("endpoint", { focus: false });
