  /* The field mapper: served inside widgets.js, after its `Widget`. */

  const KINDS = { text: "string", enum: "string", integer: "number", float: "number", bool: "boolean", timestamp: "datetime" };
  const kind = (type) => KINDS[type] ?? type;
  const RESOURCES = ["contacts", "accounts", "leads", "opportunities", "projects", "tasks", "notes"];
  const NEVER = new Set(["id", "etag"]); // every record is named by them
  const TRIED = 3; // records of a preview
  const NEAR = 0.5; // how alike two names are before one is suggested for the other
  const FIELD_NAME = /^[a-z][a-z0-9_]{0,63}$/;

  const words = (text) => text.replace(/__c$/i, "").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().split(/[^a-z0-9]+/).filter(Boolean);

  /** How alike two names are, 0 to 1: the words that they share. */
  function alike(one, other) {
    const [a, b] = [new Set(words(one)), new Set(words(other))];
    const shared = [...a].filter((word) => b.has(word)).length;
    return a.size && b.size ? (2 * shared) / (a.size + b.size) : 0;
  }

  const shown = (value) => (value === null || value === undefined || value === "" ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));
  const copy = (overrides) => JSON.parse(JSON.stringify(overrides));

  /** Insightly's fields beside the product's: what each of these is made of, for one account. */
  class FieldMapper extends Widget {
    static observedAttributes = ["account", "hub", "resource", "write"];
    #own = null;
    #fields = [];
    #explained = null;
    #saved = { version: 0, overrides: {} };
    #draft = {};
    #versions = [];
    #tried = null;
    #wrong = {};
    #picked = null;
    #find = "";
    #unfolded = false;

    /** The product's fields: `[{name, label?, type?, hint?}]`. Without them, all of the unified model's. */
    get fields() { return this.#own; }
    set fields(made) {
      this.#own = made;
      if (this.isConnected) this.start();
    }

    connectedCallback() {
      if (Object.hasOwn(this, "fields")) { // set before the element was known
        const made = this.fields;
        delete this.fields;
        this.#own = made;
      }
      super.connectedCallback();
    }

    get writes() { return this.hasAttribute("write"); }
    get resource() { return this.getAttribute("resource") || "contacts"; }
    get #place() { return `/v1/mappings/${encodeURIComponent(this.resource)}`; }
    get #changes() {
      const names = new Set([...Object.keys(this.#draft), ...Object.keys(this.#saved.overrides)]);
      return [...names].filter((name) => JSON.stringify(this.#draft[name]) !== JSON.stringify(this.#saved.overrides[name]));
    }

    async load() {
      this.view.replaceChildren(h("p", { class: "hush" }, "Loading the fields…"));
      const resource = this.resource;
      const [explained, saved, versions, fields] = await Promise.all([this.call(this.#place), this.call(`${this.#place}/account`),
        this.call(`${this.#place}/account/versions`, { query: { limit: 20 } }), this.list("fields", { entity_type: resource })]);
      if (resource !== this.resource) return; // another was chosen meanwhile
      [this.#explained, this.#saved, this.#versions, this.#fields] = [explained, saved, versions.result, fields];
      this.#draft = copy(saved.overrides);
      [this.#tried, this.#wrong, this.#picked] = [null, {}, null];
      this.draw();
      this.say(`${fields.length} fields of ${resource} loaded`);
    }

    draw() {
      const left = h("section", { class: "side", "aria-label": "Insightly's fields" }, h("h2", {}, "Insightly"), this.#search(), this.#insightly());
      const right = h("section", { class: "side", "aria-label": "Your fields" }, h("h2", {}, this.getAttribute("product") || "Your product"), this.#suggestAll(),
        h("ul", { class: "rows" }, this.#rows().map((row) => this.#row(row))), this.writes ? this.#adding() : null);
      this.view.replaceChildren(...[this.#bar(), h("div", { class: "mapper" }, left, right), this.#trial(), this.#history()].filter(Boolean));
    }

    #bar() {
      const count = this.#changes.length;
      const resource = this.hasAttribute("choose")
        ? h("label", {}, "Records", h("select", { disabled: count > 0, onchange: (event) => this.setAttribute("resource", event.target.value) }, RESOURCES.map((name) => h("option", { value: name, selected: name === this.resource }, name))))
        : null;
      const says = this.#saved.broken ? `What was saved cannot be used: ${this.#saved.broken}` : this.#saved.version ? `Version ${this.#saved.version}` : "Nothing is saved yet";
      return h("div", { class: "bar top" }, resource,
        this.writes ? h("button", { type: "button", class: "main", disabled: !count, "data-act": "save", onclick: () => this.save() }, count ? `Save ${count} ${count === 1 ? "change" : "changes"}` : "Saved") : null,
        this.writes ? h("button", { type: "button", disabled: !count, onclick: () => this.#discard() }, "Discard") : null,
        h("button", { type: "button", "data-act": "preview", onclick: () => this.preview() }, "Preview on real records"), h("span", { class: "hush" }, says));
    }

    #search() {
      const input = h("input", { type: "search", "aria-label": "Find a field of Insightly", placeholder: "Find a field", value: this.#find, oninput: (event) => {
        this.#find = event.target.value;
        this.shadowRoot.querySelector(".theirs").replaceWith(this.#insightly());
      } });
      return h("div", { class: "find" }, input);
    }

    #insightly() {
      const wanted = this.#find.toLowerCase();
      const found = this.#usable().filter((each) => `${each.label} ${each.id}`.toLowerCase().includes(wanted));
      return h("ul", { class: "theirs" }, found.length ? found.map((each) => this.#theirs(each)) : h("li", { class: "hush" }, "No field is called like that."));
    }

    /** Custom fields first; lists of records have rows of their own. */
    #usable() {
      const fields = this.#fields.filter((each) => each.is_user_defined || each.type !== "array");
      return [...fields.filter((each) => each.is_user_defined), ...fields.filter((each) => !each.is_user_defined)];
    }

    #theirs(field) {
      const told = [h("b", {}, field.label || field.id), h("span", { class: "line" }, `${field.id} · ${field.type}${field.is_user_defined ? " · custom" : ""}`)];
      if (!this.writes) return h("li", { class: "field", "data-field": field.id }, told);
      const pick = h("button", { type: "button", class: "field", "data-field": field.id, draggable: true, "aria-pressed": String(this.#picked === field.id), onclick: () => this.#pick(field) }, told);
      pick.addEventListener("dragstart", (event) => { event.dataTransfer.setData("text/plain", field.id); event.dataTransfer.effectAllowed = "copy"; });
      pick.addEventListener("keydown", (event) => { if (event.key === "Escape" && this.#picked) this.#pick(field); });
      return h("li", {}, pick);
    }

    #pick(field) {
      this.#picked = this.#picked === field.id ? null : field.id;
      this.draw();
      this.shadowRoot.querySelector(`button[data-field="${CSS.escape(field.id)}"]`)?.focus();
      this.say(this.#picked ? `${field.label} is picked. Choose Put here at one of your fields, or press Escape` : `${field.label} is put back`);
    }

    /** The product's fields, then what else the mapping names. */
    #rows() {
      const told = new Map(this.#explained.fields.map(({ explanation }) => [explanation.field, explanation]));
      const own = this.#own?.length ? this.#own : [...told.keys()].map((name) => ({ name }));
      const rows = new Map(own.filter((each) => !NEVER.has(each.name)).map((each) => [each.name, each]));
      for (const name of [...Object.keys(this.#draft), ...Object.keys(this.#saved.overrides)]) if (!rows.has(name)) rows.set(name, { name });
      return [...rows.values()].map((each) => ({ ...each, told: told.get(each.name) }));
    }

    #field(id) { return this.#fields.find((each) => each.id === id); }

    /** The type that a field is to have: as the product says, or as the field of Insightly's that is called the same. */
    #typeOf(row) { return kind(row.type ?? this.#fields.find((each) => !each.is_user_defined && each.id.toLowerCase() === row.name)?.type); }

    #source(row) {
      const made = this.#draft[row.name];
      return made?.custom_field ?? made?.field;
    }

    #row(row) {
      const changed = this.#changes.includes(row.name);
      const shownRow = h("li", { class: `row${changed ? " changed" : ""}`, "data-row": row.name },
        h("div", { class: "head" }, h("b", {}, row.label || row.name), h("span", { class: "line" }, [row.label ? row.name : "", this.#typeOf(row) ?? "", changed ? "changed" : ""].filter(Boolean).join(" · "))),
        row.hint ? h("p", { class: "hush small" }, row.hint) : null, this.#choice(row), this.#more(row), this.#says(row));
      if (this.writes) {
        shownRow.addEventListener("dragover", (event) => { event.preventDefault(); shownRow.classList.add("over"); });
        shownRow.addEventListener("dragleave", () => shownRow.classList.remove("over"));
        shownRow.addEventListener("drop", (event) => { event.preventDefault(); this.#put(row, event.dataTransfer.getData("text/plain")); });
      }
      return shownRow;
    }

    #choice(row) {
      const made = this.#draft[row.name];
      const present = made === undefined ? "" : made.custom_field !== undefined ? `custom_field:${made.custom_field}` : made.field !== undefined ? `field:${made.field}` : Object.keys(made).find((key) => ["constant", "expression", "hidden", "standard"].includes(key)) ?? "";
      const option = (value, text) => h("option", { value, selected: value === present }, text);
      const fields = (own) => this.#usable().filter((each) => each.is_user_defined === own).map((each) => option(`${own ? "custom_field" : "field"}:${each.id}`, `${each.label || each.id} (${each.type})`));
      const gone = present.includes(":") && !this.#field(present.slice(present.indexOf(":") + 1)) ? option(present, `${present.slice(present.indexOf(":") + 1)} (not in this account)`) : null;
      const custom = fields(true);
      const picked = this.#picked && this.writes ? h("button", { type: "button", class: "main put", "aria-label": `Put ${this.#picked} at ${row.label || row.name}`, onclick: () => this.#put(row, this.#picked) }, "Put here") : null;
      return h("div", { class: "slot" }, h("select", { disabled: !this.writes, "aria-label": `${row.label || row.name} is made of`, onchange: (event) => this.#choose(row, event.target.value) },
        option("", this.#usual(row)), gone, custom.length ? h("optgroup", { label: "Custom fields" }, custom) : null, h("optgroup", { label: "Standard fields" }, fields(false)),
        h("optgroup", { label: "Other" }, option("constant", "a fixed value"), option("expression", "a formula (JSONata)"), row.told ? option("hidden", "not shown") : null,
          this.#isCovered(row) ? option("standard", "Crosswalk's own, whatever wider layers say") : null)), picked);
    }

    #isCovered(row) { return this.#explained.layers.some((each) => each.layer !== "account" && each.overrides[row.name] !== undefined); }

    #usual(row) {
      if (!row.told || (row.told.layer === "account" && !row.told.beneath.length)) return "not mapped";
      const names = row.told.layer === "account" ? [] : row.told.natives.map((id) => this.#field(id)?.label ?? id);
      const from = names.length > 3 ? `${names.slice(0, 3).join(", ")}, …` : names.join(", ");
      return `as usual${from ? `: ${from}` : ""}`;
    }

    /** What a fixed value or a formula needs beside the choice. */
    #more(row) {
      const made = this.#draft[row.name];
      if (!made) return null;
      if (made.constant !== undefined) return h("input", { "aria-label": `Fixed value of ${row.label || row.name}`, value: made.constant ?? "", disabled: !this.writes, oninput: (event) => this.#write(row, { constant: this.#typed(row, event.target.value) }) });
      if (made.expression === undefined) return null;
      return h("textarea", { "aria-label": `Formula of ${row.label || row.name}`, rows: 2, spellcheck: false, value: made.expression, disabled: !this.writes, placeholder: "FIRST_NAME & ' ' & LAST_NAME", oninput: (event) => this.#write(row, { ...this.#draft[row.name], expression: event.target.value }) });
    }

    #typed(row, text) {
      const type = this.#typeOf(row);
      if (type === "number" && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
      if (type === "boolean" && ["true", "false"].includes(text.trim())) return text.trim() === "true";
      return text;
    }

    /** Warnings of types, refusals of the hub, and a suggestion. */
    #says(row) {
      const said = [];
      const field = this.#field(this.#source(row));
      const [want, have] = [this.#typeOf(row), kind(field?.type)];
      if (field && want && have !== want) said.push(h("p", { class: "warn" }, `${field.label} is a ${have}, and ${row.label || row.name} a ${want}.`));
      if (field && !field.is_editable) said.push(h("p", { class: "warn" }, `${field.label} can be read, not written.`));
      if (this.#wrong[row.name]) said.push(h("p", { class: "refused", role: "alert" }, this.#wrong[row.name]));
      const near = this.writes ? this.#suggestion(row) : null;
      if (near) said.push(h("button", { type: "button", class: "suggest", onclick: () => this.#put(row, near.id) }, `Use ${near.label || near.id}`));
      return said;
    }

    /** A field of Insightly's that a product's field without a source is probably meant for. */
    #suggestion(row) {
      if (this.#draft[row.name] || (row.told && row.told.source !== "hidden")) return null;
      const names = [row.name, row.label ?? ""];
      const rated = this.#usable().map((field) => [Math.max(...names.flatMap((name) => [alike(name, field.label || ""), alike(name, field.id)])), field]);
      const [rate, field] = rated.sort((one, other) => other[0] - one[0])[0] ?? [0, null];
      return rate >= NEAR ? field : null;
    }

    #suggestAll() {
      const found = this.writes ? this.#rows().map((row) => [row, this.#suggestion(row)]).filter(([, near]) => near) : [];
      if (found.length < 2) return null;
      return h("button", { type: "button", onclick: () => { for (const [row, near] of found) this.#draft[row.name] = this.#made(near.id); this.#touched(); } }, `Use all ${found.length} suggestions`);
    }

    #adding() {
      const input = h("input", { "aria-label": "Name of a new field", placeholder: "new_field", pattern: "[a-z][a-z0-9_]{0,63}", required: true, title: "Small letters, digits and underscores" });
      return h("form", { onsubmit: (event) => {
        event.preventDefault();
        const name = input.value.trim();
        if (!FIELD_NAME.test(name) || this.#rows().some((row) => row.name === name)) return this.say(`${name} is there already`);
        this.#draft[name] = { constant: "" };
        this.#touched();
        return this.shadowRoot.querySelector(`[data-row="${CSS.escape(name)}"] select`)?.focus();
      } }, input, h("button", { type: "submit" }, "Add a field"));
    }

    #made(id) { return this.#field(id)?.is_user_defined ? { custom_field: id } : { field: id }; }

    #put(row, id) {
      if (!this.#field(id)) return;
      this.#picked = null;
      this.#set(row, this.#made(id));
      this.say(`${row.label || row.name} is made of ${this.#field(id).label || id}`);
    }

    #choose(row, value) {
      const [key, id] = [value.split(":")[0], value.slice(value.indexOf(":") + 1)];
      const made = { constant: { constant: "" }, expression: { expression: "" }, hidden: { hidden: true }, standard: { standard: true }, field: { field: id }, custom_field: { custom_field: id } }[key];
      this.#set(row, made);
    }

    #set(row, made) {
      if (made === undefined) delete this.#draft[row.name];
      else this.#draft[row.name] = made;
      delete this.#wrong[row.name];
      this.#touched();
      const again = this.shadowRoot.querySelector(`[data-row="${CSS.escape(row.name)}"]`);
      (again?.querySelector(made && (made.constant !== undefined || made.expression !== undefined) ? "input, textarea" : "select") ?? again?.querySelector("select"))?.focus();
    }

    /** Take what is being typed. Only the bar is drawn anew: what one types into, and clicks next, stays where it is. */
    #write(row, made) {
      this.#draft[row.name] = made;
      this.shadowRoot.querySelector(".bar").replaceWith(this.#bar());
    }

    #touched() {
      this.#tried = null;
      this.draw();
    }

    #discard() {
      this.#draft = copy(this.#saved.overrides);
      this.#wrong = {};
      this.#touched();
      this.say("The changes are discarded");
    }

    /** What each record says now and would say: nothing is saved by it. */
    async preview() {
      await this.attempt(() => this.#refusable(async () => {
        this.#tried = await this.call(`${this.#place}/account/preview`, { method: "POST", body: { overrides: this.#draft, limit: TRIED } });
        this.draw();
        this.say(`${this.#tried.differences.length} values would change in ${this.#tried.records.length} records`);
        this.shadowRoot.querySelector(".trial h2")?.scrollIntoView({ block: "nearest" });
      }));
    }

    async save() {
      await this.attempt(() => this.#refusable(async () => {
        const saved = await this.call(`${this.#place}/account`, { method: "PUT", body: { overrides: this.#draft, version: this.#saved.version } });
        await this.load();
        this.say(`Version ${saved.version} is saved and served`);
        this.dispatchEvent(new CustomEvent("crosswalk-mapping-saved", { bubbles: true, composed: true, detail: { resource: this.resource, version: saved.version, overrides: saved.overrides } }));
      }));
    }

    async #rollBack(version) {
      await this.attempt(async () => {
        const saved = await this.call(`${this.#place}/account/rollback`, { method: "POST", body: { version } });
        await this.load();
        this.say(`Version ${version} is back, as version ${saved.version}`);
        this.dispatchEvent(new CustomEvent("crosswalk-mapping-saved", { bubbles: true, composed: true, detail: { resource: this.resource, version: saved.version, overrides: saved.overrides } }));
      });
    }

    /** Do something that the hub may refuse field by field; each refusal stands at its field. */
    async #refusable(work) {
      this.#wrong = {};
      try { await work(); } catch (error) {
        for (const each of error.errors ?? []) {
          const name = each.field ?? each.pointer?.split("/").filter(Boolean)[0];
          if (name) this.#wrong[name] = each.detail ?? each.message;
        }
        this.draw();
        throw error;
      }
    }

    #trial() {
      if (!this.#tried) return null;
      const { records, differences, failures } = this.#tried;
      const named = (id) => records.find((each) => each.id === id)?.after.name ?? `Record ${id}`;
      const rows = [...failures.map((each) => h("tr", {}, h("td", {}, named(each.id)), h("th", { scope: "row" }, each.field), h("td", { class: "refused", colspan: 2 }, each.detail))),
        ...differences.filter((each) => !NEVER.has(each.field)).map((each) => h("tr", {}, h("td", {}, named(each.id)), h("th", { scope: "row" }, each.field), h("td", {}, shown(each.before)), h("td", { class: "after" }, shown(each.after))))];
      return h("section", { class: "trial", "aria-label": "Preview" }, h("h2", {}, "Preview"),
        rows.length ? h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Values that would change" }, h("table", {}, h("thead", {}, h("tr", {}, ["Record", "Field", "Now", "Then"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, rows)))
          : h("p", { class: "hush" }, records.length ? `Nothing changes in the newest ${records.length} records.` : "There is no record to try it on."));
    }

    #history() {
      if (!this.#versions.length) return null;
      return h("details", { open: this.#unfolded, ontoggle: (event) => { this.#unfolded = event.target.open; } }, h("summary", {}, "Versions"), h("ul", { class: "versions" }, this.#versions.map((each) => h("li", {},
        h("span", {}, h("b", {}, `Version ${each.version}`), ` ${Object.keys(each.overrides).length} fields`, each.made_at ? h("span", { class: "line" }, `${new Date(each.made_at).toLocaleString(this.lang || undefined)}, ${each.made_by}`) : null),
        this.writes && each.version !== this.#saved.version && !each.broken ? h("button", { type: "button", "aria-label": `Roll back to version ${each.version}`, disabled: this.#changes.length > 0, onclick: () => this.#rollBack(each.version) }, "Roll back") : null))));
    }
  }
