// A page in jsdom with the real htmx, a socket that records, and a clock turned by hand.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM, VirtualConsole } from "jsdom";

const require = createRequire(import.meta.url);
const HTMX = readFileSync(require.resolve("htmx.org/dist/htmx.js"), "utf8");
const LIVEOPS = readFileSync(
  new URL("../../liveops/static/liveops/liveops.js", import.meta.url),
  "utf8",
);

export const A = "11111111-1111-4111-8111-111111111111";
export const B = "22222222-2222-4222-8222-222222222222";

/** Timers that run when `advance` says so. */
export class FakeTimers {
  #now = 0;
  #next = 1;
  #pending = new Map();

  setTimeout = (callback, delay, ...parameters) => {
    this.#pending.set(this.#next, { at: this.#now + delay, callback, parameters });
    this.#next += 1;
    return this.#next - 1;
  };

  clearTimeout = (timer) => void this.#pending.delete(timer);

  /** How long the pending timer that was set last still has to wait, in ms. */
  get latest() {
    return [...this.#pending.values()].at(-1).at - this.#now;
  }

  /** Let `ms` pass: everything due runs in order, and what it promises settles. */
  async advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#pending].filter(([, { at }]) => at <= end);
      if (!due.length) break;
      const [timer, { at, callback, parameters }] = due.sort((a, b) => a[1].at - b[1].at)[0];
      this.#pending.delete(timer);
      this.#now = at;
      callback(...parameters);
      await settled();
    }
    this.#now = end;
  }
}

/** Let everything that is already resolved go on. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A WebSocket as far as liveops.js uses one. */
export class FakeSocket {
  readyState = 0;
  sent = [];
  closedWith = null;

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.readyState = 3;
    this.closedWith = code;
    this.onclose?.({ code });
  }

  open() {
    this.readyState = 1;
    this.onopen();
  }

  drop(code = 1006) {
    this.readyState = 3;
    this.onclose({ code });
  }

  deliver(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  /** Frames of one kind that the page sent, for one operation. */
  asked(kind, op) {
    return this.sent.filter((frame) => frame[kind]?.op === op).map((frame) => frame[kind]);
  }
}

export function line(n, text = `line ${n}`) {
  return `<li data-n="${n}">${text}</li>`;
}

export function lines(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => line(from + i)).join("");
}

export function container(op, { state = "STARTED", token = "", log = "" } = {}) {
  return `<section id="op-${op}" class="liveop" data-liveop="${op}" data-liveop-state="${state}"
    data-liveop-socket="/ws/liveops/" data-liveop-token="${token}"
    data-liveop-snapshot-url="/live/${op}/snapshot/">
    <div id="op-status"></div>
    <p class="liveop-connection" data-text-live="Live" data-text-connecting="Connecting"
      data-text-offline="Offline" data-text-polling="Polling" data-text-refused="Refused"
      data-text-failed="Failed"></p>
    <div id="op-controls"><form id="form"></form><form id="again" data-liveop-restart></form></div>
    <div id="op-progress"></div><div id="op-result"></div><div id="op-stages"></div>
    <button data-liveop-follow type="button"></button>
    <div id="op-log"><ol class="liveop-log-lines">${log}</ol></div>
  </section>`;
}

/** The fragments that a server sends. */
export const html = {
  region: (op, name, inner, seq) =>
    `<div id="op-${name}"${seq === undefined ? "" : ` data-seq="${seq}"`} ` +
    `hx-swap-oob="innerHTML:#op-${op} #op-${name}">${inner}</div>`,
  append: (op, inner) =>
    `<ol data-log hx-swap-oob="beforeend:#op-${op} #op-log .liveop-log-lines">${inner}</ol>`,
  replace: (op, inner) =>
    html.region(op, "log", `<ol class="liveop-log-lines">${inner}</ol>`),
};

export class Page {
  sockets = [];
  visited = [];
  fetched = [];
  warnings = [];
  errors = [];
  timers = new FakeTimers();
  answer = () => Promise.reject(new Error("no network"));

  /** Load a page with this body, up to DOMContentLoaded. */
  static async load(body, { htmx = true } = {}) {
    const page = new Page();
    await page.#load(body, htmx);
    return page;
  }

  async #load(body, htmx) {
    const virtualConsole = new VirtualConsole();
    virtualConsole.on("warn", (...parts) => this.warnings.push(parts.join(" ")));
    virtualConsole.on("error", (...parts) => this.errors.push(parts.join(" ")));
    virtualConsole.on("jsdomError", (error) => this.errors.push(String(error)));
    const dom = new JSDOM(`<!DOCTYPE html><title>Import</title><body>${body}</body>`, {
      url: `https://example.test/live/${A}/`,
      runScripts: "outside-only",
      pretendToBeVisual: true,
      virtualConsole,
    });
    this.window = dom.window;
    this.document = dom.window.document;
    // jsdom wants a result type that browsers default to ANY_TYPE, and has no CSS object; ids of
    // operations need no more escaping than this.
    const { XPathExpression } = this.window;
    const { evaluate } = XPathExpression.prototype;
    XPathExpression.prototype.evaluate = function (node, type = 0, result = null) {
      return evaluate.call(this, node, type, result);
    };
    this.window.CSS = { escape: (text) => String(text).replace(/[^\w-]/g, "\\$&") };
    this.window.fetch = (url, options) => {
      this.fetched.push({ url, ...options });
      return this.answer(url);
    };
    if (htmx) this.window.eval(HTMX);
    this.window.eval(LIVEOPS);
    Object.assign(this.window.liveops, {
      timers: this.timers,
      random: () => 0.5,
      navigate: (url) => this.visited.push(url),
      socketFactory: (url) => {
        this.sockets.push(new FakeSocket(url));
        return this.socket;
      },
    });
    if (this.document.readyState === "loading") {
      await new Promise((resolve) => this.document.addEventListener("DOMContentLoaded", resolve));
    } else {
      this.window.liveops.init();
    }
  }

  /** The socket that was made last. */
  get socket() {
    return this.sockets.at(-1);
  }

  operation(op = A) {
    return this.document.querySelector(`[data-liveop="${op}"]`);
  }

  region(name, op = A) {
    return this.operation(op).querySelector(`#op-${name}`);
  }

  indicator(op = A) {
    return this.operation(op).querySelector(".liveop-connection").textContent;
  }

  connection(op = A) {
    return this.operation(op).dataset.liveopConnection;
  }

  lineNumbers(op = A) {
    return Array.from(this.region("log", op).querySelectorAll("li"), (li) => Number(li.dataset.n));
  }

  snapshot(op, fragments, seq = 0) {
    this.socket.deliver({ op, seq, snapshot: true, liveop_html: fragments });
  }

  frame(op, seq, fragments) {
    this.socket.deliver({ op, seq, liveop_html: fragments });
  }

  /** Tell the page how a control's request ended, the way htmx does. */
  controlAnswered(form, xhr) {
    const detail = { xhr, successful: xhr.status < 400, elt: form };
    const event = new this.window.CustomEvent("htmx:afterRequest", { bubbles: true, detail });
    form.dispatchEvent(event);
  }

  answerWith(body, status = 200) {
    this.answer = () =>
      Promise.resolve({ ok: status < 400, status, json: () => Promise.resolve(body) });
  }

  close() {
    this.window.close();
  }
}
