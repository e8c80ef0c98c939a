// A page in jsdom with the real htmx, a socket that records, and a clock turned by hand.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM, VirtualConsole } from "jsdom";
import { FakeLog, FakeSocket, FakeTimers } from "./fakes.mjs";
import { A } from "./markup.mjs";

export * from "./fakes.mjs";
export * from "./markup.mjs";

const require = createRequire(import.meta.url);
const HTMX = readFileSync(require.resolve("htmx.org/dist/htmx.js"), "utf8");
const PACKAGE = new URL("../../liveops/", import.meta.url);
const read = (path) => readFileSync(new URL(path, PACKAGE), "utf8");

/** The scripts of a page in the order in which a page loads them: that of the template tag. */
const [, listed] = /^_SCRIPTS = \(([^)]*)\)/m.exec(read("templatetags/liveops.py"));
const SCRIPTS = Array.from(listed.matchAll(/"([\w-]+)"/g), ([, name]) => name);

export class Page {
  sockets = [];
  visited = [];
  fetched = [];
  warnings = [];
  errors = [];
  timers = new FakeTimers();
  events = [];
  answer = () => Promise.reject(new Error("no network"));

  /**
   * Load a page with this body, up to DOMContentLoaded.
   * @param {object} options `htmx`: whether to load it; `log`: one to use instead of the real
   *   one, or null for none; `path`: of the page; `title`; `storage`: false if it is denied;
   *   `stored`: what it holds; `notifications`: the class for them
   */
  static async load(body, options = {}) {
    const page = new Page();
    await page.#load(body, options);
    return page;
  }

  /** Load one whose log only notes what is asked of it. */
  static plain(body, options = {}) {
    return Page.load(body, { log: new FakeLog(), ...options });
  }

  async #load(body, options) {
    const { htmx = true, log, path = `/live/${A}/`, title = "Import" } = options;
    const virtualConsole = new VirtualConsole();
    virtualConsole.on("warn", (...parts) => this.warnings.push(parts.join(" ")));
    virtualConsole.on("error", (...parts) => this.errors.push(parts.join(" ")));
    virtualConsole.on("jsdomError", (error) => this.errors.push(String(error)));
    const dom = new JSDOM(`<!DOCTYPE html><title>${title}</title><body>${body}</body>`, {
      url: `https://example.test${path}`,
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
    this.window.requestAnimationFrame = (paint) => paint(0);
    this.window.CSS = { escape: (text) => String(text).replace(/[^\w-]/g, "\\$&") };
    this.window.fetch = (url, options) => {
      this.fetched.push({ url: String(url), ...options });
      return this.answer(String(url));
    };
    if (options.storage === false) {
      const get = () => {
        throw new this.window.DOMException("denied", "SecurityError");
      };
      Object.defineProperty(this.window, "localStorage", { get });
    }
    if (options.notifications) this.window.Notification = options.notifications;
    for (const [key, value] of Object.entries(options.stored ?? {}))
      this.window.localStorage.setItem(key, value);
    for (const name of ["attached", "applied", "state", "chained"])
      this.document.addEventListener(`liveop:${name}`, ({ target, detail }) =>
        this.events.push({ name, op: target.dataset.liveop, ...detail }),
      );
    if (htmx) this.window.eval(HTMX);
    for (const name of SCRIPTS)
      if (log === undefined || !name.startsWith("liveops-log"))
        this.window.eval(read(`static/liveops/${name}.js`));
    Object.assign(this.window.liveops, {
      ...(log && { log }),
      timers: this.timers,
      now: this.timers.now,
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

  get log() {
    return this.window.liveops.log;
  }

  lineNumbers(op = A) {
    return Array.from(this.region("log", op).querySelectorAll("li"), (li) => Number(li.dataset.n));
  }

  snapshot(op, fragments, { seq = 0, ...more } = {}) {
    this.socket.deliver({ op, seq, snapshot: true, liveop_html: fragments, ...more });
  }

  finished(op, state, successUrl = null) {
    const end = { state, url: `/live/${op}/`, success_url: successUrl };
    this.socket.deliver({ op, liveop_finished: end });
  }

  chained(from, op, token = "") {
    this.socket.deliver({ op: from, liveop_chain: { op, channel: `liveop.${op}`, token } });
  }

  /** The events of one name that containers sent. */
  heard(name) {
    return this.events.filter((event) => event.name === name);
  }

  /** Look at another tab, or come back. */
  look(isHere) {
    const { document } = this;
    Object.defineProperty(document, "hidden", { value: !isHere, configurable: true });
    document.dispatchEvent(new this.window.Event("visibilitychange"));
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

  /** Answer requests with JSON or, if it is a text, a page; a function says what for a URL. */
  answerWith(body, status = 200) {
    this.answer = (url) => {
      const given = typeof body === "function" ? body(url) : body;
      const code = given === null ? 404 : status;
      const [json, text] = [() => Promise.resolve(given), () => Promise.resolve(String(given))];
      return Promise.resolve({ ok: code < 400, status: code, json, text });
    };
  }

  close() {
    this.window.close();
  }
}
