/* Crosswalk's widgets: custom elements that read a customer's Insightly with a short-lived token.
 *
 *   <script src="https://hub.example.com/widgets.js"></script>
 *   <crosswalk-deal-board account="ACCOUNT-ID" write></crosswalk-deal-board>
 *   <crosswalk-contact-card account="ACCOUNT-ID" email="ada@example.com"></crosswalk-contact-card>
 *   <crosswalk-field-mapper account="ACCOUNT-ID" resource="contacts" write></crosswalk-field-mapper>
 *   <crosswalk-link></crosswalk-link>
 *
 *   document.querySelector("crosswalk-deal-board").getToken = async () => (await fetch("/my/widget-token")).text();
 *
 * Colours are CSS variables of the element: --crosswalk-accent, --crosswalk-ink, --crosswalk-soft, --crosswalk-line,
 * --crosswalk-paper, --crosswalk-ground, --crosswalk-bad, --crosswalk-font, --crosswalk-round.
 */
(() => {
  "use strict";
  const script = document.currentScript;
  const home = script ? new URL(script.src).origin : location.origin;
  const PAGE = 500;
  const MOST = 2000;
  const RENEW_BEFORE = 60_000;
  const LASTS = 15 * 60_000;
  const DEADLINE = 10; // seconds for all of a look-up
  const LOOKED_UP = 10; // records of a kind that a look-up answers at most
  const WORDS = 280; // characters of a note

  /** Make an element; text is always text, never markup. */
  function h(tag, props = {}, ...kids) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name in made && name !== "class" && name !== "role") made[name] = value;
      else made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...kids.flat().filter((kid) => kid !== null && kid !== undefined && kid !== false));
    return made;
  }

  class Refused extends Error {
    constructor(problem, status) {
      super(problem.detail || problem.title || `The hub answered ${status}`);
      this.status = status;
      this.errors = problem.errors ?? [];
    }
  }

  // A constructed sheet is no inline style: a host page's `style-src` does not stop it.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { --accent: var(--crosswalk-accent, #0f5c55); --on-accent: var(--crosswalk-on-accent, #fff); --ink: var(--crosswalk-ink, #17211f); --soft: var(--crosswalk-soft, #56635f);
      --line: var(--crosswalk-line, #d3dbd8); --paper: var(--crosswalk-paper, #fff); --ground: var(--crosswalk-ground, #f3f6f5); --bad: var(--crosswalk-bad, #a62a1f);
      --round: var(--crosswalk-round, 8px); display: block; padding: 12px; border-radius: var(--round); background: var(--paper); color: var(--ink); font: 15px/1.45 var(--crosswalk-font, system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif); }
    @media (prefers-color-scheme: dark) { :host { --accent: var(--crosswalk-accent, #5cc9b9); --on-accent: var(--crosswalk-on-accent, #06201c); --ink: var(--crosswalk-ink, #e8eeec); --soft: var(--crosswalk-soft, #a9b6b1);
      --line: var(--crosswalk-line, #2f3c38); --paper: var(--crosswalk-paper, #161d1b); --ground: var(--crosswalk-ground, #0f1514); --bad: var(--crosswalk-bad, #ff9c91); } }
    :host(crosswalk-link) { display: inline-block; padding: 0; background: none; }
    :host(crosswalk-field-mapper) { container-type: inline-size; width: 100%; box-sizing: border-box; }
    :host([hidden]) { display: none; }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    button, select, input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: var(--round); min-height: 40px; padding: 0 12px; max-width: 100%; }
    button { cursor: pointer; font-weight: 600; }
    button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    .bar { display: flex; flex-wrap: wrap; gap: 12px; align-items: end; margin-bottom: 12px; }
    .bar label { display: grid; gap: 2px; font-size: 13px; color: var(--soft); }
    .wrong { color: var(--bad); border: 1px solid currentColor; border-radius: var(--round); padding: 8px 12px; margin: 0 0 12px; background: var(--paper); }
    .hush { color: var(--soft); }
    .columns { display: flex; gap: 12px; overflow-x: auto; align-items: stretch; padding-bottom: 6px; }
    .column { flex: 1 0 210px; min-width: 210px; background: var(--ground); border: 1px solid var(--line); border-radius: var(--round); padding: 10px; }
    .column.over { outline: 2px dashed var(--accent); outline-offset: -2px; }
    .column .title { display: block; font-size: 14px; overflow-wrap: anywhere; }
    .column .sum { font-size: 13px; color: var(--soft); margin: 0 0 8px; font-variant-numeric: tabular-nums; }
    .column ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; min-height: 40px; align-content: start; }
    .deal { background: var(--paper); border: 1px solid var(--line); border-radius: var(--round); padding: 8px 10px; }
    .deal[draggable=true] { cursor: grab; }
    .deal.lifted { outline: 3px solid var(--accent); }
    .deal.moving { opacity: .6; }
    .deal b { display: block; overflow-wrap: anywhere; font-weight: 600; }
    .deal .line { display: flex; justify-content: space-between; gap: 8px; font-size: 13px; color: var(--soft); flex-wrap: wrap; }
    .deal .amount { color: var(--ink); font-variant-numeric: tabular-nums; }
    .deal select { min-height: 30px; font-size: 13px; margin-top: 6px; width: 100%; padding: 0 6px; }
    .card { background: var(--paper); border: 1px solid var(--line); border-radius: var(--round); padding: 16px; max-width: 420px; }
    .card h2 { margin: 0; font-size: 18px; overflow-wrap: anywhere; }
    .card p { margin: 2px 0 10px; }
    .card dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 14px; margin: 0; font-size: 14px; }
    .card dt { color: var(--soft); } .card dd { margin: 0; overflow-wrap: anywhere; }
    .card a { color: var(--accent); }
    .card h3 { margin: 16px 0 6px; font-size: 14px; } .card .part p { margin: 0; font-size: 14px; }
    .card ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; font-size: 14px; }
    .card li { border-left: 3px solid var(--line); padding-left: 10px; overflow-wrap: anywhere; }
    .card li b { font-weight: 600; } .card .line { color: var(--soft); font-size: 13px; }
    .card .words { white-space: pre-line; margin-top: 2px !important; }
    .card button { min-height: 32px; font-size: 13px; }
    .mapper { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 16px; align-items: start; margin-bottom: 12px; }
    .mapper h2, .trial h2 { margin: 0 0 8px; font-size: 15px; overflow-wrap: anywhere; }
    .mapper .side { background: var(--ground); border: 1px solid var(--line); border-radius: var(--round); padding: 12px; min-width: 0; }
    .mapper .side:first-child { position: sticky; top: 72px; }
    .find input { width: 100%; margin-bottom: 8px; }
    .theirs, .rows, .versions { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; }
    .rows, .row { grid-template-columns: minmax(0, 1fr); }
    .theirs { gap: 4px; max-height: 60vh; overflow-y: auto; padding: 3px; }
    .field { display: block; width: 100%; min-height: 0; padding: 6px 10px; text-align: left; font-weight: 400; overflow-wrap: anywhere; background: var(--paper); border: 1px solid var(--line); border-radius: var(--round); }
    button.field { cursor: grab; } .field b { display: block; font-weight: 600; }
    .field[aria-pressed=true] { outline: 3px solid var(--accent); outline-offset: -1px; }
    .mapper .line, .versions .line { color: var(--soft); font-size: 13px; display: block; overflow-wrap: anywhere; }
    .row { background: var(--paper); border: 1px solid var(--line); border-radius: var(--round); padding: 8px 10px; display: grid; gap: 6px; scroll-margin: 8px; }
    .row.changed { border-left: 3px solid var(--accent); } .row.over { outline: 2px dashed var(--accent); outline-offset: -2px; }
    .row b { overflow-wrap: anywhere; } .row p { margin: 0; font-size: 13px; } .row .warn { color: var(--soft); } .row .warn::before { content: "! "; font-weight: 700; }
    .refused { color: var(--bad); }
    .slot { display: flex; gap: 8px; } .slot select { flex: 1 1 auto; min-width: 0; } .put { flex: none; }
    .row input, .row textarea { width: 100%; } textarea { font: 13px/1.45 ui-monospace, Menlo, Consolas, monospace; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: var(--round); padding: 8px 12px; }
    .suggest { justify-self: start; min-height: 32px; font-size: 13px; }
    .mapper form { margin: 12px 0 0; } .side > button { margin-bottom: 8px; }
    .trial { margin-bottom: 12px; } .trial .wide { overflow-x: auto; }
    .trial table { border-collapse: collapse; width: 100%; font-size: 14px; } .trial th, .trial td { text-align: left; padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
    .trial thead th { color: var(--soft); font-size: 13px; } .trial .after { font-weight: 600; }
    .versions li { display: flex; justify-content: space-between; gap: 8px; align-items: center; flex-wrap: wrap; } .versions button { min-height: 32px; font-size: 13px; }
    summary { cursor: pointer; font-weight: 600; padding: 6px 0; }
    button[disabled], select[disabled] { opacity: .6; cursor: not-allowed; }
    .bar .hush { align-self: end; padding-bottom: 8px; }
    .bar.top { position: sticky; top: 0; z-index: 1; background: var(--paper); padding: 8px 0; margin: -8px 0 4px; }
    @container (max-width: 640px) { .mapper { grid-template-columns: minmax(0, 1fr); } .mapper .side:first-child { position: static; } .theirs { max-height: 40vh; } .bar.top { position: static; } }
    form { display: flex; gap: 8px; margin-bottom: 12px; max-width: 420px; flex-wrap: wrap; }
    form input { flex: 1 1 180px; }
  `);

  /** What every widget does: a shadow of its own, a token that is renewed, calls, words for screen readers. */
  class Widget extends HTMLElement {
    #token = null;
    #asking = null;
    #ends = 0;
    #getToken = null;
    #live = h("div", { class: "sr", role: "status", "aria-live": "polite" });
    #wrong = h("p", { class: "wrong", role: "alert", hidden: true });

    constructor() {
      super();
      this.view = h("div", { part: "view" });
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(this.#wrong, this.view, this.#live);
    }

    /** The host page's function that gets a token from its own server. */
    get getToken() { return this.#getToken; }
    set getToken(made) {
      this.#getToken = made;
      this.#token = null;
      if (this.isConnected) this.start();
    }

    get hub() { return (this.getAttribute("hub") || home).replace(/\/$/, ""); }
    get account() { return this.getAttribute("account") || ""; }

    connectedCallback() {
      if (Object.hasOwn(this, "getToken")) { // set before the element was known
        const made = this.getToken;
        delete this.getToken;
        this.getToken = made;
      } else this.start();
    }

    attributeChangedCallback(_name, before, after) {
      if (this.isConnected && before !== after) this.start();
    }

    start() {
      if (!this.#getToken || !this.account) return this.view.replaceChildren(h("p", { class: "hush" }, "Waiting for the page's token."));
      return this.attempt(() => this.load());
    }

    /** Do something; what goes wrong is shown and said. */
    async attempt(work) {
      this.#wrong.hidden = true;
      this.setAttribute("aria-busy", "true");
      try { return await work(); } catch (error) { return this.fail(error); } finally { this.removeAttribute("aria-busy"); }
    }

    fail(error) {
      this.#wrong.textContent = error.message;
      this.#wrong.hidden = false;
      this.dispatchEvent(new CustomEvent("crosswalk-error", { bubbles: true, composed: true, detail: { message: error.message, status: error.status } }));
    }

    say(text) {
      this.#live.textContent = "";
      requestAnimationFrame(() => { this.#live.textContent = text; });
    }

    async #bearer() {
      if (this.#token && Date.now() < this.#ends - RENEW_BEFORE) return this.#token;
      this.#asking ??= (async () => {
        const given = await this.#getToken();
        this.#token = String(typeof given === "string" ? given : given.token).trim();
        this.#ends = given.expires_at ? Date.parse(given.expires_at) : Date.now() + LASTS;
      })().finally(() => { this.#asking = null; });
      await this.#asking;
      return this.#token;
    }

    /** Call the unified API, or a path from the root; a token that has ended is renewed once. */
    async call(path, { method = "GET", query = {}, body } = {}, again = true) {
      const url = new URL(this.hub + (path.startsWith("/") ? path : `/unified/crm/${path}`));
      for (const [name, value] of Object.entries({ integrated_account_id: this.account, ...query })) url.searchParams.set(name, value);
      const headers = { Authorization: `Bearer ${await this.#bearer()}`, Accept: "application/json" };
      if (body) { headers["Content-Type"] = "application/json"; headers["Idempotency-Key"] = crypto.randomUUID(); }
      let answer;
      try { answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), credentials: "omit", referrerPolicy: "no-referrer" }); }
      catch { throw new Error("The hub cannot be reached, or this page is not the one that the token is for."); }
      if (answer.status === 401 && again) { this.#token = null; return this.call(path, { method, query, body }, false); }
      const found = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Refused(found, answer.status);
      return found;
    }

    /** A whole list, up to the most that a widget shows. */
    async list(noun, query = {}) {
      const found = [];
      let cursor = "";
      do {
        const page = await this.call(noun, { query: { limit: PAGE, ...query, ...(cursor ? { next_cursor: cursor } : {}) } });
        found.push(...page.result);
        cursor = page.next_cursor;
      } while (cursor && found.length < MOST);
      found.more = Boolean(cursor);
      return found;
    }
  }

  const named = (value) => (value && typeof value === "object" ? value.name ?? value.id : value) ?? "";
  const idOf = (value) => String((value && typeof value === "object" ? value.id : value) ?? "");

  function money(amount, currency, language) {
    if (amount === null || amount === undefined) return "";
    try { return new Intl.NumberFormat(language, currency ? { style: "currency", currency, maximumFractionDigits: 0 } : { maximumFractionDigits: 0 }).format(amount); }
    catch { return `${amount} ${currency}`; }
  }

  /** Pipelines, stages and opportunities; a deal goes to another stage by mouse, keys or menu. */
  class DealBoard extends Widget {
    static observedAttributes = ["account", "hub", "pipeline", "owner", "write"];
    #pipelines = [];
    #deals = [];
    #users = [];
    #lifted = null;

    get writes() { return this.hasAttribute("write"); }

    async load() {
      if (!this.#pipelines.length) this.view.replaceChildren(h("p", { class: "hush" }, "Loading the deals…"));
      const [pipelines, deals, users] = await Promise.all([this.list("pipelines"), this.list("opportunities"), this.list("users").catch(() => [])]);
      this.#pipelines = pipelines.filter((each) => (each.entities ?? []).includes("opportunity"));
      this.#deals = deals;
      this.#users = users;
      this.draw();
      this.say(`${deals.length} deals loaded`);
    }

    get #pipeline() {
      const wanted = this.getAttribute("pipeline");
      return this.#pipelines.find((each) => each.id === wanted || each.name === wanted) ?? this.#pipelines.find((each) => this.#deals.some((deal) => idOf(deal.pipeline) === each.id)) ?? this.#pipelines[0];
    }

    #shown(pipeline) {
      const owner = this.getAttribute("owner");
      return this.#deals.filter((deal) => idOf(deal.pipeline) === pipeline.id && (!owner || idOf(deal.owner) === owner));
    }

    draw() {
      const pipeline = this.#pipeline;
      if (!pipeline) return this.view.replaceChildren(h("p", { class: "hush" }, "This Insightly has no pipeline for opportunities."));
      const deals = this.#shown(pipeline);
      this.view.replaceChildren(this.#bar(pipeline),
        this.writes ? h("p", { id: "how", class: "sr" }, "Space lifts a deal, left and right choose a stage, Space drops it, Escape leaves it.") : "",
        h("div", { class: "columns", role: "group", "aria-label": `Stages of ${pipeline.name}` }, (pipeline.stages ?? []).map((stage) => this.#column(stage, deals.filter((deal) => idOf(deal.stage) === String(stage.id)), pipeline))),
        this.#outside(),
        this.#deals.more ? h("p", { class: "hush" }, `The first ${this.#deals.length} deals are shown.`) : "");
    }

    #outside() {
      const count = this.#deals.filter((each) => !each.pipeline).length;
      return count ? h("p", { class: "hush" }, `${count} ${count === 1 ? "deal is" : "deals are"} in no pipeline.`) : "";
    }

    #bar(pipeline) {
      const choose = (label, attribute, options, chosen, none) => h("label", {}, label, h("select", { onchange: (event) => (event.target.value ? this.setAttribute(attribute, event.target.value) : this.removeAttribute(attribute)) },
        none ? h("option", { value: "" }, none) : null, options.map((each) => h("option", { value: each.id, selected: each.id === chosen }, named(each)))));
      const owners = new Map(this.#deals.filter((each) => each.owner).map((each) => [idOf(each.owner), { id: idOf(each.owner), name: this.#owner(each) }]));
      return h("div", { class: "bar" }, choose("Pipeline", "pipeline", this.#pipelines, pipeline.id), choose("Owner", "owner", [...owners.values()], this.getAttribute("owner") ?? "", "Everyone"),
        h("button", { type: "button", onclick: () => this.start() }, "Reload"));
    }

    #owner(deal) { return this.#users.find((each) => each.id === idOf(deal.owner))?.name ?? named(deal.owner); }

    #column(stage, deals, pipeline) {
      const sums = new Map();
      for (const deal of deals) if (deal.amount) sums.set(deal.currency, (sums.get(deal.currency) ?? 0) + deal.amount);
      const sum = [...sums].map(([currency, amount]) => money(amount, currency, this.lang || undefined)).join(" + ");
      const column = h("section", { class: "column", "aria-label": `${stage.name}, ${deals.length} deals`, "data-stage": stage.id },
        h("strong", { class: "title" }, stage.name), h("p", { class: "sum" }, `${deals.length} ${deals.length === 1 ? "deal" : "deals"}${sum ? ` · ${sum}` : ""}`),
        h("ul", {}, deals.map((deal) => this.#deal(deal, stage, pipeline))));
      if (this.writes) {
        column.addEventListener("dragover", (event) => { event.preventDefault(); column.classList.add("over"); });
        column.addEventListener("dragleave", () => column.classList.remove("over"));
        column.addEventListener("drop", (event) => {
          event.preventDefault();
          column.classList.remove("over");
          const deal = this.#deals.find((each) => each.id === event.dataTransfer.getData("text/plain"));
          if (deal) this.move(deal, stage);
        });
      }
      return column;
    }

    #deal(deal, stage, pipeline) {
      const stages = pipeline.stages;
      const shown = h("li", { class: "deal", tabindex: 0, "data-deal": deal.id, "aria-describedby": this.writes ? "how" : null },
        h("b", {}, deal.name), h("div", { class: "line" }, h("span", { class: "amount" }, money(deal.amount, deal.currency, this.lang || undefined)), h("span", {}, this.#owner(deal))));
      if (!this.writes) return shown;
      shown.draggable = true;
      shown.addEventListener("dragstart", (event) => { event.dataTransfer.setData("text/plain", deal.id); event.dataTransfer.effectAllowed = "move"; });
      shown.append(h("select", { "aria-label": `Move ${deal.name} to another stage`, onchange: (event) => this.move(deal, stages.find((each) => String(each.id) === event.target.value)) },
        stages.map((each) => h("option", { value: each.id, selected: each.id === stage.id }, each.name))));
      shown.addEventListener("keydown", (event) => { if (event.target === shown) this.#key(event, deal, shown, stages, stage); });
      shown.addEventListener("blur", () => { if (this.#lifted === deal.id) this.#drop(shown); });
      return shown;
    }

    /** Space lifts a deal, arrows move it, Space or Enter drops it, Escape leaves it where it was. */
    #key(event, deal, shown, stages, stage) {
      const lifted = this.#lifted?.id === deal.id ? this.#lifted : null;
      if (!lifted && event.key === " ") {
        event.preventDefault();
        this.#lifted = { id: deal.id, at: stages.findIndex((each) => each.id === stage.id) };
        shown.classList.add("lifted");
        this.say(`${deal.name} lifted from ${stage.name}. Left and right choose a stage, Space drops, Escape leaves it`);
      } else if (lifted && ["ArrowLeft", "ArrowRight"].includes(event.key)) {
        event.preventDefault();
        lifted.at = Math.min(stages.length - 1, Math.max(0, lifted.at + (event.key === "ArrowRight" ? 1 : -1)));
        for (const each of this.shadowRoot.querySelectorAll(".column")) each.classList.toggle("over", each.dataset.stage === String(stages[lifted.at].id));
        this.say(stages[lifted.at].name);
      } else if (lifted && [" ", "Enter"].includes(event.key)) {
        event.preventDefault();
        this.#drop(shown);
        this.move(deal, stages[lifted.at]);
      } else if (lifted && event.key === "Escape") {
        event.preventDefault();
        this.#drop(shown);
        this.say(`${deal.name} stays in ${stage.name}`);
      }
    }

    #drop(shown) {
      this.#lifted = null;
      shown.classList.remove("lifted");
      for (const each of this.shadowRoot.querySelectorAll(".column.over")) each.classList.remove("over");
    }

    /** Move a deal; where Insightly or the token refuses, it goes back. */
    async move(deal, stage) {
      const before = deal.stage;
      if (idOf(before) === String(stage.id)) return;
      this.#place(deal, { id: String(stage.id), name: stage.name });
      await this.attempt(async () => {
        try {
          const made = await this.call(`opportunities/${deal.id}`, { method: "PATCH", body: { stage: { id: String(stage.id) } } });
          Object.assign(deal, made);
          this.#place(deal, deal.stage);
          this.say(`${deal.name} is in ${stage.name}`);
          this.dispatchEvent(new CustomEvent("crosswalk-deal-moved", { bubbles: true, composed: true, detail: { id: deal.id, from: idOf(before), to: String(stage.id) } }));
        } catch (error) {
          this.#place(deal, before);
          this.say(`${deal.name} stays in ${named(before)}: ${error.message}`);
          throw new Refused({ detail: `${deal.name} was not moved: ${error.message}` }, error.status);
        }
      });
    }

    #place(deal, stage) {
      deal.stage = stage;
      this.draw();
      this.shadowRoot.querySelector(`[data-deal="${CSS.escape(deal.id)}"]`)?.focus();
    }
  }

  /** Who an e-mail address is: how to reach them, their account, open deals, projects and recent notes. */
  class ContactCard extends Widget {
    static observedAttributes = ["account", "hub", "email"];

    async load() {
      const email = this.getAttribute("email");
      const form = this.hasAttribute("search") ? this.#form(email) : "";
      if (!email) return this.view.replaceChildren(form || h("p", { class: "hush" }, "No e-mail address is given."));
      this.view.replaceChildren(form, h("p", { class: "hush" }, "Looking…"));
      const found = await this.call("lookup", { query: { email, deadline: DEADLINE, content_format: "text" } }).catch((error) => {
        if (email === this.getAttribute("email")) this.view.replaceChildren(form);
        throw error;
      });
      if (email !== this.getAttribute("email")) return undefined; // asked for another meanwhile
      const person = found.contact ?? found.lead;
      if (!person) return this.#nobody(form, email, found.missing);
      this.say(`Found ${person.name}`);
      this.dispatchEvent(new CustomEvent("crosswalk-contact", { bubbles: true, composed: true, detail: person }));
      return this.view.replaceChildren(form, this.#card(person, found));
    }

    #nobody(form, email, missing) {
      const unsure = missing.some((part) => ["contact", "contacts", "lead", "leads"].includes(part));
      const words = unsure ? `Insightly did not answer in time whether somebody has the address ${email}.` : `No contact has the address ${email}.`;
      this.say(words);
      this.view.replaceChildren(form, h("div", { class: "card hush" }, h("p", {}, words), unsure ? this.#again() : null));
    }

    #again() { return h("button", { type: "button", onclick: () => this.start() }, "Look again"); }

    #form(email) {
      const input = h("input", { type: "email", required: true, value: email ?? "", "aria-label": "E-mail address", placeholder: "name@example.com" });
      return h("form", { onsubmit: (event) => { event.preventDefault(); this.setAttribute("email", input.value.trim()); } }, input, h("button", { type: "submit", class: "main" }, "Look up"));
    }

    #card(person, found) {
      const lines = [
        ...(person.email_addresses ?? []).map((each) => ["E-mail", h("a", { href: `mailto:${encodeURIComponent(each.email)}` }, each.email)]),
        ...(person.phone_numbers ?? []).map((each) => [`Phone, ${each.type ?? "work"}`, h("a", { href: `tel:${each.number.replace(/[^+\d]/g, "")}` }, each.number)]),
        found.account ? ["Account", found.account.name] : null,
        person.owner ? ["Owner", named(person.owner)] : null,
        person.last_activity_at ? ["Last activity", this.#day(person.last_activity_at)] : null,
      ].filter(Boolean);
      return h("article", { class: "card", "aria-label": person.name }, h("h2", {}, person.name), h("p", { class: "hush" }, [found.contact ? "" : "Lead", person.title].filter(Boolean).join(", ")),
        h("dl", {}, lines.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]).flat()),
        this.#part("Open deals", "no open deal", found, "opportunities", (deal) => this.#deal(deal)),
        this.#part("Projects", "no project", found, "projects", (project) => this.#project(project)),
        this.#part("Recent notes", "no note", found, "notes", (note) => this.#note(note)));
    }

    /** One kind of record below the person; what Insightly did not answer in time is said, never shown as none. */
    #part(title, none, found, name, show) {
      const records = found[name];
      const shown = found.missing.includes(name) ? h("p", { class: "hush" }, "Insightly did not answer in time. ", this.#again())
        : records.length ? h("ul", {}, records.map((each) => h("li", { "data-record": each.id }, show(each))))
          : h("p", { class: "hush" }, `There is ${none}.`);
      return h("section", { class: "part", "data-part": name }, h("h3", {}, title), shown, records.length === LOOKED_UP ? h("p", { class: "hush" }, `The first ${LOOKED_UP} are shown.`) : null);
    }

    #deal(deal) {
      return [h("b", {}, deal.name), this.#line([money(deal.amount, deal.currency, this.lang || undefined), named(deal.stage), deal.close_date ? `closes ${this.#day(deal.close_date)}` : ""])];
    }

    #project(project) {
      return [h("b", {}, project.name), this.#line([(project.status ?? "").replaceAll("_", " "), named(project.stage)])];
    }

    #note(note) {
      const text = (note.content ?? "").trim();
      return [h("b", {}, note.title || "Note"), this.#line([this.#day(note.created_at), named(note.owner)]), text ? h("p", { class: "words" }, text.length > WORDS ? `${text.slice(0, WORDS)}…` : text) : null];
    }

    #line(parts) { return h("div", { class: "line" }, parts.filter(Boolean).join(" · ")); }

    /** A day as people here write it; a date without a time is no moment of any zone. */
    #day(text) {
      if (!text) return "";
      return new Date(text).toLocaleDateString(this.lang || undefined, text.length === 10 ? { timeZone: "UTC" } : undefined);
    }
  }

  // field_mapper.js

  /** A button that opens the link page, for the customer to paste an Insightly key there. */
  class Link extends HTMLElement {
    #button = h("button", { class: "main", type: "button", part: "button" });
    #wrong = h("p", { class: "wrong", role: "alert", hidden: true });

    constructor() {
      super();
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(this.#button, this.#wrong);
      this.#button.addEventListener("click", () => this.open());
    }

    connectedCallback() { this.#button.textContent = this.getAttribute("label") || "Connect Insightly"; }

    /** `getLinkToken`, a function of the host page, gets a link token from its own server. */
    async open() {
      this.#wrong.hidden = true;
      this.#button.disabled = true;
      try {
        if (!this.getLinkToken) throw new Error("The page gives no link token: set getLinkToken.");
        const hub = (this.getAttribute("hub") || home).replace(/\/$/, "");
        const given = await this.getLinkToken();
        await loadLink(hub);
        const linked = await globalThis.crosswalk.authenticate(typeof given === "string" ? given : given.link_token, { hub, mode: this.getAttribute("mode") || "iframe" });
        this.#button.textContent = "Insightly is connected";
        this.dispatchEvent(new CustomEvent("crosswalk-linked", { bubbles: true, composed: true, detail: linked }));
      } catch (error) {
        this.#wrong.textContent = error.message;
        this.#wrong.hidden = error.error_type === "closed";
        this.dispatchEvent(new CustomEvent("crosswalk-error", { bubbles: true, composed: true, detail: { message: error.message, error_type: error.error_type } }));
      } finally { this.#button.disabled = false; }
    }
  }

  const loaded = new Map();

  function loadLink(hub) {
    if (globalThis.crosswalk?.authenticate) return Promise.resolve();
    if (!loaded.has(hub)) {
      loaded.set(hub, new Promise((resolve, reject) => {
        const made = h("script", { src: `${hub}/link.js` });
        made.nonce = script?.nonce ?? "";
        made.addEventListener("load", resolve);
        made.addEventListener("error", () => { loaded.delete(hub); reject(new Error("The hub's link script cannot be loaded.")); });
        document.head.append(made);
      }));
    }
    return loaded.get(hub);
  }

  const tags = { "crosswalk-deal-board": DealBoard, "crosswalk-contact-card": ContactCard, "crosswalk-field-mapper": FieldMapper, "crosswalk-link": Link };
  for (const [tag, made] of Object.entries(tags)) if (!customElements.get(tag)) customElements.define(tag, made);
})();
