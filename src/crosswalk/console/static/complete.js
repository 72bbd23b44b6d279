// Completion of macros in a text: `{` opens the list, arrows and Enter choose, Escape closes.

let count = 0;

/** Let `input` complete `choices` (`name`, `title`, `says`); every change is told by an `input` event. */
export function complete(input, choices) {
  const list = document.createElement("ul");
  list.id = `macros-${++count}`;
  list.className = "macros";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Macros");
  list.hidden = true;
  input.insertAdjacentElement("afterend", list);
  input.parentElement.classList.add("completes");
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  input.autocomplete = "off";
  let found = [];
  let at = 0;

  const open = () => /\{([^{}]*)$/.exec(input.value.slice(0, input.selectionStart ?? 0));
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = () => {
    [...list.children].forEach((each, index) => each.setAttribute("aria-selected", String(index === at)));
    const chosen = list.children[at];
    if (!chosen) return;
    input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  };
  const choose = (choice) => {
    const before = open();
    if (!before) return close();
    const end = input.selectionStart;
    const rest = input.value.slice(end).replace(/^[^{}]*\}/, "");
    input.value = input.value.slice(0, before.index) + choice.name + rest;
    const place = before.index + choice.name.length;
    input.setSelectionRange(place, place);
    close();
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const show = () => {
    const before = open();
    if (!before) return close();
    const wanted = before[1].toLowerCase().replace(/^record\./, "");
    found = choices().filter((each) => each.name.toLowerCase().includes(wanted)).slice(0, 12);
    list.replaceChildren(...found.map((choice, index) => {
      const line = document.createElement("li");
      line.id = `${list.id}-${index}`;
      line.setAttribute("role", "option");
      const name = document.createElement("code");
      name.textContent = choice.name;
      const says = document.createElement("span");
      says.textContent = choice.says;
      line.append(name, " ", says);
      line.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(choice); });
      return line;
    }));
    if (!found.length) return close();
    at = 0;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark();
  };
  input.addEventListener("input", show);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown") at = (at + 1) % found.length;
    else if (event.key === "ArrowUp") at = (at + found.length - 1) % found.length;
    else if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); return choose(found[at]); }
    else if (event.key === "Escape") { event.stopPropagation(); return close(); }
    else return;
    event.preventDefault();
    mark();
  });
}
