// The mapping: one line a field, what it is made of, and what happens to the value on its way.

/**
 * The table of rules in `place`. `rules` is the flow's own list, changed in place; `changed` is told.
 * `about` holds `targets`, `columns` (name and type), `choices`.
 */
export function table(place, rules, about, changed, { h }) {
  const known = new Map(about.targets.map((each) => [each.name, each]));

  function draw() {
    const used = new Set(rules.map((each) => each.field));
    const missing = about.targets.filter((each) => each.required && !used.has(each.name));
    const free = about.targets.filter((each) => !used.has(each.name));
    const add = h("select", { "aria-label": "Add a field" },
      h("option", { value: "" }, "Add a field…"),
      group("Insightly's fields", free.filter((each) => each.kind === "standard")),
      group("Custom fields", free.filter((each) => each.kind === "custom")));
    add.addEventListener("change", () => { if (add.value) put(add.value); });
    place.replaceChildren(
      missing.length ? h("p", { class: "note warn" }, `Required and not mapped: ${missing.map((each) => each.name).join(", ")}.`) : "",
      rules.length ? h("ul", { class: "rules", "aria-label": "Mapped fields" }, rules.map(line)) : h("p", { class: "hush" }, "No field is mapped: every column goes under its own name."),
      h("div", { class: "field" }, add));
  }

  function group(label, targets) {
    return targets.length ? h("optgroup", { label }, targets.map((each) => h("option", { value: each.name }, each.required ? `${each.name} (required)` : title(each)))) : "";
  }

  function put(field, column) {
    const near = column ?? about.columns.find((each) => squeeze(each.name) === squeeze(field))?.name ?? about.columns[0]?.name ?? "";
    rules.push({ field, from: "column", value: near, write: "never_null" });
    draw();
    changed();
    place.querySelector(`[data-field="${CSS.escape(field)}"] select`)?.focus();
  }

  function line(rule) {
    const target = known.get(rule.field);
    const set = (name) => (event) => { rule[name] = event.target.value; changed(); };
    const value = h("span", { class: "value" });
    const drawValue = () => value.replaceChildren(source(rule, target, set("value")));
    const from = h("select", { "aria-label": `What ${rule.field} is made of`, onchange: (event) => {
      rule.from = event.target.value;
      rule.value = rule.from === "column" ? about.columns[0]?.name ?? "" : "";
      drawValue();
      changed();
    } }, [["column", "Column"], ["constant", "Constant"], ["expression", "JSONata"]].map(([name, text]) => h("option", { value: name, selected: rule.from === name }, text)));
    drawValue();
    const remove = h("button", { type: "button", class: "quiet", "aria-label": `Remove ${rule.field}`, onclick: () => {
      rules.splice(rules.indexOf(rule), 1);
      draw();
      changed();
    } }, "×");
    return h("li", { class: "rule", "data-field": rule.field },
      h("div", { class: "rule-head" },
        h("span", { class: "target" }, h("code", {}, rule.field), h("span", { class: "small hush" }, target ? describe(target) : "not a known field")),
        h("span", { class: "made", "aria-hidden": "true" }, "←"), from, value, remove),
      more(rule, set));
  }

  function source(rule, target, set) {
    const label = `Value of ${rule.field}`;
    if (rule.from === "column") {
      const names = about.columns.map((each) => each.name);
      const every = names.includes(rule.value) || !rule.value ? names : [rule.value, ...names];
      return h("select", { "aria-label": label, onchange: set }, every.map((each) => h("option", { value: each, selected: each === rule.value }, each)));
    }
    if (rule.from === "constant" && target?.options.length) {
      const none = rule.value ? "" : h("option", { value: "" }, "Choose…");
      return h("select", { "aria-label": label, onchange: set }, none, target.options.map((each) => h("option", { value: each, selected: each === rule.value }, each)));
    }
    return h("input", { "aria-label": label, value: rule.value ?? "", spellcheck: false, placeholder: rule.from === "expression" ? "first & ' ' & last" : "the same in every record", oninput: set });
  }

  function more(rule, set) {
    const options = (found, chosen, none) => [h("option", { value: "" }, none), ...found.map((each) => h("option", { value: each.name ?? each, selected: (each.name ?? each) === chosen }, each.title ?? String(each).replaceAll("_", " ")))];
    const field = (text, control) => h("label", { class: "mini" }, text, control);
    const special = rule.default || rule.cast || rule.lookup || rule.write !== "never_null";
    return h("details", { class: "rule-more" },
      h("summary", {}, special ? "Options (set)" : "Options"),
      h("div", { class: "row" },
        field("When empty, use", h("input", { value: rule.default ?? "", oninput: set("default") })),
        field("Then", h("select", { onchange: set("write") }, about.choices.writes.map((each) => h("option", { value: each.name, selected: each.name === rule.write }, each.title)))),
        field("Read as", h("select", { onchange: set("cast") }, options(about.choices.casts, rule.cast, "as it is"))),
        field("Date format or separator", h("input", { value: rule.format ?? "", placeholder: "dd/MM/yyyy", oninput: set("format") })),
        field("Look the id up in", h("select", { onchange: set("lookup") }, options(about.choices.lookups, rule.lookup, "no table")))));
  }

  draw();
  return { draw, put };
}

/** A rule of the form as settings hold it. */
export function toRule(rule) {
  const made = { [rule.from]: rule.value };
  if (rule.default) made.default = rule.default;
  if (rule.cast) {
    made.cast = { to: rule.cast };
    if (rule.format && ["date", "datetime"].includes(rule.cast)) made.cast.format = rule.format;
    if (rule.format && rule.cast === "list") made.cast.separator = rule.format;
  }
  if (rule.lookup) made.lookup = rule.pipeline ? { table: rule.lookup, pipeline: rule.pipeline } : { table: rule.lookup };
  if (rule.write !== "never_null") made.write = rule.write;
  return made;
}

/** A rule of settings as the form holds it. */
export function fromRule(field, rule) {
  const from = ["column", "expression"].find((each) => rule[each] !== undefined && rule[each] !== null) ?? "constant";
  return {
    field, from, value: rule[from] ?? "", default: rule.default ?? "", cast: rule.cast?.to ?? "",
    format: rule.cast?.format ?? (rule.cast?.to === "list" ? rule.cast.separator ?? "" : ""),
    lookup: rule.lookup?.table ?? "", pipeline: rule.lookup?.pipeline ?? "", write: rule.write ?? "never_null",
  };
}

const title = (target) => (target.kind === "custom" && target.label !== target.name ? `${target.name} (${target.label})` : target.name);
const describe = (target) => [target.type, target.max_length ? `≤ ${target.max_length}` : null, target.required ? "required" : null, target.kind === "custom" ? "custom" : null].filter(Boolean).join(" · ");
const squeeze = (name) => name.replace(/__c$/i, "").replace(/[\W_]+/g, "").toLowerCase();
