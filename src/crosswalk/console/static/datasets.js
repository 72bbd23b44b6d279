// The cards of datasets: a file becomes one.

const { h, call, announce, busy, note } = await import(document.getElementById("script").dataset.kit);

const dialog = document.getElementById("upload");
const [file, name] = [document.getElementById("file"), document.getElementById("name")];
const [says, go] = [document.getElementById("upload-says"), document.getElementById("upload-go")];
const WAITS = 120;

document.getElementById("add").addEventListener("click", () => dialog.showModal());
document.getElementById("upload-leave").addEventListener("click", () => dialog.close());
file.addEventListener("change", () => {
  const stem = (file.files[0]?.name ?? "").replace(/(\.\w+)+$/, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  if (stem && !name.value) name.value = stem.slice(0, 64);
});
document.getElementById("upload-form").addEventListener("submit", (event) => {
  event.preventDefault();
  busy(go, says, async () => {
    const chosen = file.files[0];
    const query = new URLSearchParams({ name: chosen.name, source: name.value });
    says.replaceChildren(h("p", {}, "Uploading…"));
    const made = await call("POST", `/flow/uploads?${query}`, new Blob([chosen]));
    says.replaceChildren(h("p", {}, "Reading…"));
    announce("The file is uploaded and being read");
    if (await wait(made.dataset)) location.assign(`/flows/${encodeURIComponent(made.dataset)}`);
    else says.replaceChildren(note("warn", h("p", {}, "It is not read yet. Its source tells how it goes: "), h("a", { href: "/sources" }, "Sources")));
  });
});

/** Whether the records of a dataset come within a minute. */
async function wait(dataset) {
  for (let tries = 0; tries < WAITS; tries += 1) {
    const found = await call("GET", `/flow/datasets/${encodeURIComponent(dataset)}`);
    if (found.dataset.count > 0) return true;
    await new Promise((done) => setTimeout(done, 500));
  }
  return false;
}

// A menu closes when one goes elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
});
