// The form of an uploaded file: the file goes first, then the form with the path that it got.

const { h, call, announce, busy } = await import(document.getElementById("script").dataset.kit);

const form = document.getElementById("make");
const [file, path, says, go] = ["file", "path", "says", "go"].map((id) => document.getElementById(id));
const name = document.getElementById("name");

file.addEventListener("change", () => {
  const stem = (file.files[0]?.name ?? "").replace(/(\.\w+)+$/, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  if (stem && !name.value) name.value = stem.slice(0, 64);
});
form.addEventListener("submit", (event) => {
  const chosen = file.files[0];
  if (!chosen) return; // a file that is here already
  event.preventDefault();
  busy(go, says, async () => {
    says.replaceChildren(h("p", {}, `Uploading ${chosen.name}…`));
    announce("The file is being uploaded");
    path.value = (await call("POST", `/sources/uploads?${new URLSearchParams({ name: chosen.name })}`, new Blob([chosen]))).path;
    form.submit();
  });
});
