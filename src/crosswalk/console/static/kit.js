// What the console's live pages share: elements, calls with the session's token, words for screen readers.

/** Make an element: properties by name, `on…` as listeners, `class`, `aria-…`, `data-…` and `for` as attributes. */
export function h(tag, props = {}, ...kids) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && !["class", "list", "form", "role"].includes(name)) made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...kids.flat(Infinity).filter((kid) => kid !== null && kid !== undefined && kid !== false));
  return made;
}

/** What went wrong with a call: its problem document. */
export class Problem extends Error {
  constructor(document) {
    super(document.detail ?? document.title ?? "Something went wrong");
    this.problem = document;
  }
}

const token = () => document.querySelector(".leave input[name=token]")?.value ?? "";

/** Call the console; answers the decoded JSON, throws `Problem`. A `Blob` goes as it is. */
export async function call(method, path, body, { signal } = {}) {
  const raw = body instanceof Blob;
  const headers = { Accept: "application/json", "X-CSRF-Token": token() };
  if (body !== undefined) headers["Content-Type"] = raw ? "application/octet-stream" : "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, signal, body: body === undefined || raw ? body : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ detail: "Crosswalk does not answer. Is it running? Try again." });
  }
  const text = await answer.text();
  let found;
  try { found = text ? JSON.parse(text) : null; } catch { found = { detail: text.slice(0, 300) }; }
  if (!answer.ok) throw new Problem(found ?? { detail: `The answer was ${answer.status}.` });
  return found;
}

/** Say something to screen readers without moving the focus. */
export function announce(text) {
  let live = document.getElementById("live");
  if (!live) document.body.append((live = h("div", { id: "live", class: "sr", role: "status", "aria-live": "polite" })));
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
}

/** A function that waits for a pause in its calls. */
export function later(made, milliseconds) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => made(...given), milliseconds);
  };
}

/** JSON text set out over lines; other text as it is. */
export function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

/** A note in a colour of the design system. */
export const note = (kind, ...kids) => h("div", { class: `note ${kind}`, role: kind === "bad" ? "alert" : null }, ...kids);

/** Do something while a button is busy; a problem becomes a note in `place`. */
export async function busy(button, place, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  place?.replaceChildren();
  try { return await work(); }
  catch (error) {
    if (!(error instanceof Problem)) throw error;
    place?.replaceChildren(note("bad", h("p", {}, error.message)));
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

/** The page's own data, as the server wrote it. */
export const data = () => JSON.parse(document.getElementById("data").textContent);
