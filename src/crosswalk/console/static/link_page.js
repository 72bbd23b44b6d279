// The link page: one state at a time, the result to the opener. The key lives in its field and in one request only.

const page = document.getElementById("link");
const at = (id) => document.getElementById(id);
const here = location.pathname;
const INTEGRATION = "insightly";
let proof = null;
let refusal = null;

const opener = () => (window.parent !== window ? window.parent : window.opener);

/** Tell whoever opened the page, to the registered origin only; else go to the registered address; else nobody. */
function deliver(result) {
  const { origin, redirect } = page.dataset;
  const to = opener();
  if (origin && to) {
    to.postMessage(result, origin);
    if (to === window.opener) window.close();
    return true;
  }
  if (redirect) {
    const url = new URL(redirect);
    for (const [name, value] of Object.entries(result)) url.searchParams.set(name, value);
    location.assign(url);
    return true;
  }
  return false;
}

function fail(error, kind) {
  return deliver({ result: "error", error, error_type: kind });
}

/** One state: `form`, `checking`, `found` or `done`. */
function show(state) {
  at("form").hidden = state !== "form" && state !== "checking";
  at("found").hidden = state !== "found" && state !== "connecting";
  at("done").hidden = state !== "done";
  const busy = state === "checking" || state === "connecting";
  for (const id of ["check", "connect", "again", "api_key", "api_url"]) at(id).disabled = busy;
  at("check").textContent = state === "checking" ? "Checking…" : "Check key";
  at("connect").textContent = state === "connecting" ? "Connecting…" : "Connect";
  page.setAttribute("aria-busy", String(busy));
  if (state === "checking") at("status").textContent = "Checking the key with Insightly";
  if (state === "connecting") at("status").textContent = "Connecting";
}

function refuse(says) {
  at("refused").textContent = says || "";
  at("refused").hidden = !says;
  at("api_key").setAttribute("aria-invalid", String(Boolean(says)));
  if (says) at("status").textContent = "";
}

/** Ask the hub. Problems come as `{detail, code}`; a hub that does not answer is one too. */
async function ask(step, body) {
  try {
    const answer = await fetch(`${here}/${step}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
    });
    const value = await answer.json();
    return answer.ok ? { value } : { problem: value };
  } catch {
    return { problem: { detail: "This page's server did not answer. Try again.", code: "hub_unreachable" } };
  }
}

function list(id, lines) {
  at(id).replaceChildren(
    ...lines.map(({ what, says }) => {
      const item = document.createElement("li");
      const name = document.createElement("strong");
      name.textContent = what;
      item.append(name, ` ${says}`);
      return item;
    }),
  );
}

function tell(found) {
  for (const id of ["instance", "plan", "user", "place"]) at(id).textContent = found[id];
  const works = found.lines.filter((line) => line.works);
  const fails = found.lines.filter((line) => !line.works);
  list("works", works.length ? works : [{ what: "Reading", says: "and writing, as far as Insightly lets this user" }]);
  list("fails", fails);
  at("fails_part").hidden = fails.length === 0;
}

async function check(event) {
  event.preventDefault();
  if (!at("api_key").value.trim()) {
    refuse("Paste the API key first.");
    at("api_key").focus();
    return;
  }
  refuse("");
  show("checking");
  const { value, problem } = await ask("check", { api_key: at("api_key").value, api_url: at("api_url").value });
  if (problem) {
    refusal = problem;
    show("form");
    refuse(problem.detail);
    at("api_key").focus();
    return;
  }
  refusal = null;
  proof = value.proof;
  at("api_key").value = "";
  tell(value);
  show("found");
  at("status").textContent = "The key works. Read what it opens, then connect";
  at("found_title").focus();
}

async function connect() {
  refuse("");
  show("connecting");
  const { value, problem } = await ask("confirm", { proof });
  if (problem) {
    refusal = problem;
    show(problem.code === "hub_unreachable" ? "found" : "form");
    refuse(problem.detail);
    return;
  }
  show("done");
  at("status").textContent = "Connected";
  at("done_title").focus();
  deliver({ result: value.result, integration: INTEGRATION, integrated_account_id: value.integrated_account_id });
}

function again() {
  proof = null;
  show("form");
  at("api_key").focus();
}

function cancel() {
  const told = refusal
    ? fail(refusal.detail, refusal.code)
    : fail("The customer did not connect an account", "cancelled");
  if (!told) at("status").textContent = "You may close this page";
}

if (page.dataset.error) {
  const { origin, error, errorType } = page.dataset;
  if (origin && opener()) fail(error, errorType);
} else {
  at("form").addEventListener("submit", check);
  at("connect").addEventListener("click", connect);
  at("again").addEventListener("click", again);
  at("cancel").addEventListener("click", cancel);
  at("cancel").hidden = !page.dataset.redirect && !(page.dataset.origin && opener());
  document.addEventListener("keydown", (event) => event.key === "Escape" && opener() && cancel());
  at("api_key").focus();
}
