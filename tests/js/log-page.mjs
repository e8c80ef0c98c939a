// A page with the log of one operation: what a server renders of it, a server that has more of
// it, and a layout in which every line is 20 px high.
import { A, Page, html, settled } from "./page.mjs";

const LINE_PX = 20;
const TEXTS = {
  earlier: "Show earlier lines ({n})",
  hidden: "Earlier lines are not shown ({n})",
  pruned: "Earlier lines are not kept",
  later: "Show later lines ({n})",
  gap: "… {n} lines came too fast to be shown",
  lost: "… {n} lines are not kept",
  show: "Show",
  new: "{n} new lines",
  "new-one": "{n} new line",
  matches: "{i} of {n}",
  none: "Nothing found",
  failed: "That did not work",
};

export const STAGES = ["Load", "Save"];

export function row(n, text = `line ${n}`) {
  return (
    `<li data-n="${n}" data-level="info"><a href="#L${n}" tabindex="-1">${n}</a>` +
    `<time>10:31:05</time><span class="liveop-text"><b>Info</b> ${text}</span></li>`
  );
}

export const gap = (text) => `<li class="liveop-log-gap" data-liveop-gap>${text}</li>`;

/** A group of lines as the server renders it; without a stage it has no heading. */
export function group(stage, rows, { open = true } = {}) {
  const list = `<ol>${rows.join("")}</ol>`;
  if (!stage) return `<div class="liveop-log-group" data-stage="">${list}</div>`;
  const index = STAGES.includes(stage) ? ` data-index="${STAGES.indexOf(stage)}"` : "";
  const icon = `<span class="liveop-icon" data-state="pending"></span>`;
  return (
    `<details class="liveop-log-group" data-stage="${stage}"${index}${open ? " open" : ""}>` +
    `<summary>${icon}${stage}</summary>${list}</details>`
  );
}

/** Lines of one stage. */
export const lines = (stage, from, to, options) =>
  group(stage, Array.from({ length: to - from + 1 }, (_, i) => row(from + i)), options);

export const list = (groups, { first = 0, pruned = false } = {}) =>
  `<div class="liveop-log-lines" data-first="${first}"${pruned ? " data-pruned" : ""}>${groups}</div>`;

/** What the server pushes: lines to be added, and a log in place of the one shown. */
export const push = {
  add: (groups, op = A) =>
    `<div data-log hx-swap-oob="beforeend:#op-${op} #op-log .liveop-log-lines">${groups}</div>`,
  replace: (groups, options, op = A) => html.region(op, "log", list(groups, options)),
};

export function logContainer(groups, options = {}) {
  const { op = A, url = `/live/${op}/log/`, first = 1, state = "STARTED", pruned } = options;
  const { lang = "en", words = {}, between = "," } = options;
  const texts = Object.entries({ ...TEXTS, ...words }).map(([name, text]) => `data-text-${name}="${text}"`);
  const steps = STAGES.map(
    (stage) =>
      `<li data-stage="${stage}" data-state="active">` +
      `<a class="liveop-step-name" href="#op-${op}-s0">${stage}</a></li>`,
  );
  return `<section id="op-${op}" class="liveop" data-liveop="${op}" data-liveop-state="${state}"
    lang="${lang}" data-liveop-socket="/ws/liveops/" data-liveop-snapshot-url="/live/${op}/snapshot/"
    ${url ? `data-liveop-log-url="${url}"` : ""}>
    <div id="op-stages"><ol>${steps.join("")}</ol></div>
    <div class="liveop-panel" data-group="${between}" ${texts.join(" ")}>
      <input type="search" class="liveop-log-query">
      <span class="liveop-log-matches"></span>
      <button type="button" data-liveop-match="-1" disabled></button>
      <button type="button" data-liveop-match="1" disabled></button>
      <button type="button" data-liveop-times aria-pressed="false">Times</button>
      <div id="op-log" class="liveop-log" tabindex="0">${list(groups, { first, pruned })}</div>
      <button type="button" data-liveop-follow>Jump to the end</button>
    </div></section>`;
}

/** A server with a log of its own, which answers in pages of 10 lines and 3 matches. */
export class LogServer {
  kept = (n) => n > 0;
  stageOf = () => "Load";
  textOf = (n) => `line ${n}`;
  asked = [];

  constructor(last) {
    this.last = last;
  }

  get numbers() {
    return Array.from({ length: this.last }, (_, i) => i + 1).filter(this.kept);
  }

  answer = (url) => {
    const query = new URL(url, "https://example.test").searchParams;
    this.asked.push(Object.fromEntries(query));
    const body = query.has("q") ? this.#search(query) : this.#page(query);
    return Promise.resolve({ ok: true, status: 200, json: () => Promise.resolve(body) });
  };

  #page(query) {
    const { numbers } = this;
    const after = (n) => numbers.filter((one) => one > n).slice(0, 10);
    const around = (n) => after(Math.min(n, this.last) - 6);
    let shown = numbers.slice(-10);
    if (query.has("before")) shown = numbers.filter((n) => n < Number(query.get("before"))).slice(-10);
    if (query.has("after")) shown = after(Number(query.get("after")));
    if (query.has("around")) shown = around(Number(query.get("around")));
    if (query.has("stage")) {
      const start = numbers.find((n) => this.stageOf(n) === query.get("stage"));
      shown = start ? around(start) : [];
    }
    const rows = shown.map((n) => group(this.stageOf(n), [row(n, this.textOf(n))]));
    const [first, last] = [shown[0] ?? null, shown.at(-1) ?? null];
    const [earlier, later] = [first ? first - numbers[0] : 0, last ? this.last - last : 0];
    return { html: rows.join(""), first, last, earlier, later, pruned: false };
  }

  #search(query) {
    const found = this.numbers.filter(
      (n) => n > Number(query.get("after") ?? 0) && this.textOf(n).includes(query.get("q")),
    );
    return { matches: found.slice(0, 3), more: found.length > 3 };
  }
}

export class LogPage {
  /** Load a page that shows these groups; `server` has the rest. */
  static async load(groups, { server, path, storage, stored, ...options } = {}) {
    const page = new LogPage();
    page.server = server ?? new LogServer(1000);
    page.base = await Page.load("", { path, storage, stored });
    page.base.answer = (url) => page.server.answer(url);
    const body = Array.isArray(groups) ? groups.join("") : logContainer(groups, options);
    page.document.body.innerHTML = body;
    page.#layOut();
    page.window.liveops.init();
    page.base.sockets.at(-1)?.open();
    await settled();
    return page;
  }

  get window() {
    return this.base.window;
  }

  get document() {
    return this.base.document;
  }

  get timers() {
    return this.base.timers;
  }

  get container() {
    return this.document.querySelector("[data-liveop]");
  }

  get region() {
    return this.container.querySelector("#op-log");
  }

  get numbers() {
    return Array.from(this.region?.querySelectorAll("[data-n]") ?? [], (one) => Number(one.dataset.n));
  }

  /** The groups, each as its stage and the numbers in it. */
  get groups() {
    return Array.from(this.region.querySelectorAll(".liveop-log-group"), (one) => [
      one.dataset.stage,
      ...Array.from(one.querySelectorAll("[data-n]"), (line) => Number(line.dataset.n)),
    ]);
  }

  get edges() {
    return Array.from(this.region.querySelectorAll(".liveop-log-edge"), (one) => one.textContent);
  }

  get gaps() {
    return Array.from(this.region.querySelectorAll(".liveop-log-gap"), (one) => one.textContent);
  }

  get lastLine() {
    return this.window.liveops.log.lastLine(this.container);
  }

  find(selector) {
    return this.container.querySelector(selector);
  }

  row(n) {
    return this.region.querySelector(`[data-n="${n}"]`);
  }

  /** Take a frame with fragments of the log. */
  take(fragments, hold = false) {
    const template = this.document.createElement("template");
    template.innerHTML = fragments;
    const held = this.window.liveops.log.take(this.container, template.content, hold);
    this.window.liveops.log.applied(this.container);
    return { held: [...held], left: template.innerHTML };
  }

  async click(selector, options = {}) {
    const event = new this.window.MouseEvent("click", { bubbles: true, cancelable: true, ...options });
    (typeof selector === "string" ? this.find(selector) : selector).dispatchEvent(event);
    await settled();
    return event;
  }

  async press(key, options = {}) {
    const input = this.find(".liveop-log-query");
    input.dispatchEvent(
      new this.window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options }),
    );
    await settled();
  }

  /** Have a text stand in the search, as if it had just been typed. */
  async type(text, options = {}) {
    const input = this.find(".liveop-log-query");
    input.value = text;
    input.dispatchEvent(new this.window.InputEvent("input", { bubbles: true, ...options }));
    await settled();
  }

  async search(text) {
    this.find(".liveop-log-query").value = text;
    await this.press("Enter");
  }

  scrollTo(top) {
    this.region.scrollTop = Math.max(0, Math.min(top, this.height - 100));
    this.region.dispatchEvent(new this.window.Event("scroll"));
  }

  get height() {
    return LINE_PX * this.numbers.length;
  }

  /** Number of the line at the upper edge of what the reader sees. */
  get seen() {
    return this.numbers[Math.round(this.region.scrollTop / LINE_PX)];
  }

  get isAtEnd() {
    return this.region.scrollTop >= this.height - 100;
  }

  #layOut() {
    const page = this;
    const box = (top, height) => ({ top, height, bottom: top + height });
    this.window.Element.prototype.getBoundingClientRect = function () {
      if (!this.dataset?.n) return box(0, this.id === "op-log" ? 100 : 0);
      const above = [...page.region.querySelectorAll("[data-n]")].indexOf(this);
      return box(LINE_PX * above - page.region.scrollTop, LINE_PX);
    };
    for (const region of this.document.querySelectorAll("#op-log")) {
      Object.defineProperty(region, "clientHeight", { value: 100 });
      Object.defineProperty(region, "scrollHeight", { get: () => page.height });
    }
  }

  close() {
    this.base.close();
  }
}
