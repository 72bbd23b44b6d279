// Pages that live: the part marked `data-live` is asked for again and put in place of the old one, as long as it changes.
const part = document.querySelector("[data-live]");
const status = { settled: Number(part?.dataset.settled), at: Number(part?.dataset.at) };

function showRate(from, to) {
  const place = to.querySelector("[data-live-rate]");
  const seconds = Number(to.dataset.at) - from.at;
  if (!place || !(seconds > 0)) return;
  const rate = Math.max(0, Number(to.dataset.settled) - from.settled) / seconds;
  place.textContent = to.dataset.while === "yes" ? rate.toFixed(rate < 10 ? 1 : 0) : "\u2013";
}

function isBusy() {
  const held = document.activeElement;
  return document.hidden || (held && part.contains(held) && held.matches("input, textarea, select"));
}

function keepOpen(from, to) {
  const opened = [...from.querySelectorAll("details")].map((each) => each.open);
  to.querySelectorAll("details").forEach((each, place) => { each.open = opened[place] ?? each.open; });
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-live]");
  const current = document.querySelector("[data-live]");
  if (!fresh || fresh.isEqualNode(current)) return;
  showRate(status, fresh);
  Object.assign(status, { settled: Number(fresh.dataset.settled), at: Number(fresh.dataset.at) });
  keepOpen(current, fresh);
  const focused = document.activeElement?.getAttribute?.("href");
  current.replaceChildren(...fresh.childNodes);
  for (const [name, value] of Object.entries(fresh.dataset)) current.dataset[name] = value;
  if (focused) current.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  for (const each of ["[data-live-state]", ".side nav", ".acts"]) {
    const [old, next] = [document.querySelector(each), page.querySelector(each)];
    if (old && next && !old.isEqualNode(next)) old.replaceWith(next);
  }
}

async function live() {
  const current = document.querySelector("[data-live]");
  if (!isBusy()) await refresh().catch(() => {});
  if (current.dataset.while !== "no") setTimeout(live, Number(current.dataset.every) * 1000);
}

if (part && part.dataset.while !== "no") setTimeout(live, Number(part.dataset.every) * 1000);
