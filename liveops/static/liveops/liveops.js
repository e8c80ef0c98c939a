/**
 * Keeps the operations of a page live: frames from the socket, applied through htmx.
 * @typedef {{pk: string, container: Element, seqs: Map<string, number>, lastSeq: ?number}} Watch
 *   `seqs` by region; `lastSeq` of the frames since a snapshot
 */
(function () {
  "use strict";
  const { liveops } = window;
  const UNFINISHED = ["NOT_STARTED", "STARTED"];
  const [ASK_AGAIN_MS, POLL_MS, RENEW_MS, MAX_HELD] = [2000, 2000, 60000, 500];
  const SWAP = { swapStyle: "none", transition: false, ignoreTitle: true };

  /** Remove fragments that the page shows newer already. */
  function filterFragments(content, seqs) {
    for (const fragment of [...content.children]) {
      const seq = Number(fragment.dataset.seq ?? NaN);
      if (seq < (seqs.get(fragment.id) ?? -Infinity)) fragment.remove();
      else if (!Number.isNaN(seq)) seqs.set(fragment.id, seq);
    }
  }

  /** Remove fragments that have no place on this page. */
  function dropHomeless(content) {
    for (const fragment of [...content.children]) {
      const target = /^\w+:(.+)$/s.exec(fragment.getAttribute("hx-swap-oob"))?.[1];
      if (target && !document.querySelector(target)) fragment.remove();
    }
  }

  const watches = /** @type {Map<string, Watch>} */ (new Map());
  const attached = new WeakSet();
  const find = (pk, root = document) => root.querySelector(`[data-liveop="${CSS.escape(pk)}"]`);
  const isWatched = (watch) => watches.get(watch.pk) === watch;

  function tell(container, event, detail) {
    container.dispatchEvent(new CustomEvent(`liveop:${event}`, { bubbles: true, detail }));
  }

  /** Show a state by a data-text-*, or else by a sentence. */
  function showConnection(container, state, name = state, text = name) {
    const indicator = container.querySelector(".liveop-connection");
    container.dataset.liveopConnection = state;
    if (indicator) indicator.textContent = indicator.getAttribute(`data-text-${name}`) ?? text;
  }

  function setState(container, state, detail) {
    if (container.dataset.liveopState === state) return;
    container.dataset.liveopState = state;
    tell(container, "state", { state, ...detail });
  }

  function fillParts(container, parts) {
    for (const part of parts) {
      const [, swapStyle, target] = /^(\w+):\S+ (.+)$/.exec(part.getAttribute("hx-swap-oob"));
      const place = container.querySelector(target) ?? document.querySelector(target);
      if (place) window.htmx.swap(place, part.innerHTML, { ...SWAP, swapStyle });
    }
  }

  /** Swap what is new in a frame, which may bring the next operation's container. */
  function applyHtml(watch, html) {
    const { container } = watch;
    const template = Object.assign(document.createElement("template"), { innerHTML: html });
    const { content } = template;
    filterFragments(content, watch.seqs);
    watch.held.push(...(liveops.log?.take(container, content, watch.awaiting) ?? []));
    watch.held.splice(0, watch.held.length - MAX_HELD);
    const parts = [...content.querySelectorAll("[data-swap]")];
    parts.forEach((part) => part.remove());
    const next = [...content.children].find(({ dataset }) => dataset.liveop);
    if (next) return goOn(watch, next, template);
    dropHomeless(content);
    if (content.children.length) window.htmx.swap(container, template.innerHTML, SWAP);
    fillParts(container, parts);
    liveops.log?.applied(container);
    const shown = container.querySelector("#op-status [data-state]")?.dataset.state;
    if (UNFINISHED.includes(shown)) setState(container, shown);
    tell(container, "applied");
  }

  /** Apply a snapshot, then the lines pushed while it was read. */
  function applySnapshot(watch, { liveop_html: html, token, now }) {
    const { dataset } = watch.container;
    if (token) dataset.liveopToken = token;
    if (now) dataset.liveopNow = now;
    Object.assign(watch, { awaiting: false, lastSeq: null, worked: true });
    [html, ...watch.held.splice(0)].forEach((part) => applyHtml(watch, part));
  }

  /** Let the next operation's container take a watch's place. */
  function goOn(watch, next, template) {
    const { pk: from, container } = watch;
    const op = next.dataset.liveop;
    if (find(op)) return;
    const focused = container.contains(document.activeElement) ? document.activeElement : null;
    const headers = container.getAttribute("hx-headers");
    if (headers && !next.hasAttribute("hx-headers")) next.setAttribute("hx-headers", headers);
    dropHomeless(template.content);
    drop(watch);
    window.htmx.swap(container, template.innerHTML, SWAP);
    const shown = find(op);
    if (!shown) return settle();
    if (focused) {
      const same = focused.id && shown.querySelector(`#${CSS.escape(focused.id)}`);
      if (!same) shown.tabIndex = -1;
      (same || shown).focus({ preventScroll: true });
    }
    tell(shown, "chained", { from, op, title: container.dataset.liveopTitle });
  }

  function chain(watch, { op, token }) {
    const next = find(op);
    if (!isWatched(watch) || op === watch.pk) return;
    if (token && next && !next.dataset.liveopToken) next.dataset.liveopToken = token;
    if (next) finish(watch, { state: "FINISHED_OK" }, { chained: op });
    else pollSoon(watch); // the container was lost on the way
  }

  function finish(watch, { state, success_url: successUrl }, detail) {
    showConnection(watch.container, "");
    drop(watch);
    setState(watch.container, state, detail);
    settle();
    if (successUrl) liveops.navigate(successUrl);
  }

  function pollSoon(watch) {
    watch.pollTimer = watch.pollTimer ?? liveops.timers.setTimeout(poll, 0, watch);
  }

  const stop = (watch, timer) => (watch[timer] = liveops.timers.clearTimeout(watch[timer]) ?? null);

  /** Fetch snapshots, where sockets are blocked. */
  async function poll(watch) {
    const { container, pollTimer } = watch;
    const { liveopToken: token, liveopSnapshotUrl: url } = container.dataset;
    const data = await liveops
      .fetchJson(url, token && { "X-Liveop-Token": token })
      .catch((error) => ({ error }));
    if (watch.pollTimer !== pollTimer || !isWatched(watch)) return;
    watch.pollTimer = liveops.timers.setTimeout(poll, POLL_MS, watch);
    const isExpired = data.error === 404 && watch.worked && token === container.dataset.liveopToken;
    if (isExpired) return fail(watch, { error: "not_found" });
    if (data.error) return void showConnection(container, "offline");
    if (container.dataset.liveopConnection === "offline") liveops.socket.connect(); // it is back
    showConnection(container, "connecting", "polling");
    if (data.token) container.dataset.liveopToken = data.token;
    if (data.liveop_html !== watch.polled) applySnapshot(watch, data);
    watch.polled = data.liveop_html;
    if (data.chain) {
      applyHtml(watch, data.chain.html);
      chain(watch, data.chain);
    } else if (!UNFINISHED.includes(data.state)) finish(watch, data);
  }

  /** Ask for a snapshot: at once, or at most every ASK_AGAIN_MS. */
  function ask(watch, anew) {
    const { container, pk } = watch;
    const token = container.dataset.liveopToken;
    const after = liveops.log?.lastLine(container) ?? 0;
    if (anew) stop(watch, "askTimer");
    if (anew && watch.pollTimer === null) showConnection(container, "connecting");
    watch.awaiting = true;
    if ((watch.askAgain = watch.askTimer !== null)) return;
    liveops.socket.send({ subscribe: { op: pk, ...(token && { token }), log_after: after } });
    watch.askTimer = liveops.timers.setTimeout(() => {
      watch.askTimer = null;
      if (watch.askAgain && watch.awaiting) ask(watch);
    }, ASK_AGAIN_MS);
  }

  function receive(watch, frame) {
    if (frame.error) fail(watch, frame);
    else if (frame.liveop_chain) chain(watch, frame.liveop_chain);
    else if (frame.liveop_finished) finish(watch, frame.liveop_finished);
    else if (frame.snapshot) {
      stop(watch, "pollTimer");
      showConnection(watch.container, "live");
      applySnapshot(watch, frame);
    } else {
      const last = watch.lastSeq ?? frame.seq;
      if (watch.awaiting || (frame.after ?? frame.seq - 1) > last) ask(watch);
      watch.lastSeq = Math.max(frame.seq, last);
      applyHtml(watch, frame.liveop_html);
    }
  }

  function connection(watch, state) {
    const isEarly = state === "connecting";
    if (state === "blocked") pollSoon(watch);
    else if (state !== "live") showConnection(watch.container, isEarly ? state : "offline", state);
  }

  function fail(watch, { error, detail = "refused" }) {
    const { dataset } = watch.container;
    if (error === "rate_limited" && watch.awaiting) ask(watch);
    if (error === "too_many") pollSoon(watch);
    if (error === "forbidden" || error === "not_found") {
      if (watch.isRenewing) return;
      const isDue = !(liveops.now() < watch.renewable);
      if (watch.worked && isDue) return renew(watch, { error, detail });
      Object.assign(dataset, { liveopConnection: "offline", liveopRefused: error });
      tell(watch.container, "refused");
      drop(watch);
      settle();
    }
    showConnection(watch.container, dataset.liveopConnection, error, detail);
  }

  /** Get a new token from the page itself, at most every RENEW_MS. */
  async function renew(watch, refusal) {
    const { container, pk } = watch;
    Object.assign(watch, { renewable: liveops.now() + RENEW_MS, isRenewing: true });
    const page = await window
      .fetch(location.href, { cache: "no-store", headers: { Accept: "text/html" } })
      .then((reply) => (reply.status < 500 ? reply.text() : Promise.reject(reply.status)))
      .catch((error) => console.warn("liveops: no page with a new token,", error) ?? null);
    if (!isWatched(watch)) return;
    if (page === null) {
      showConnection(container, "offline");
      return void (watch.renewTimer = liveops.timers.setTimeout(renew, RENEW_MS, watch, refusal));
    }
    const found = find(pk, new DOMParser().parseFromString(page, "text/html"));
    watch.isRenewing = false;
    if (!found) return fail(watch, refusal);
    container.dataset.liveopToken = found.dataset.liveopToken;
    ask(watch, true);
  }

  function drop(watch) {
    ["pollTimer", "askTimer", "renewTimer"].forEach((timer) => stop(watch, timer));
    if (!isWatched(watch)) return;
    watches.delete(watch.pk);
    liveops.socket.leave(watch.pk);
  }

  /** Let go of what left the page. */
  function settle() {
    for (const watch of watches.values()) if (!watch.container.isConnected) drop(watch);
    liveops.socket.settle();
  }

  function attach(container) {
    const { liveop: pk, liveopState: state, liveopRefused: no } = container.dataset;
    const known = watches.get(pk);
    const swaps = container.querySelector("template[data-liveop-swaps]");
    fillParts(container, [...(swaps?.content.children ?? [])]);
    liveops.log?.attach(container);
    if (!attached.has(container) && attached.add(container)) tell(container, "attached");
    if (no || !UNFINISHED.includes(state) || known?.container.isConnected) return;
    if (known) drop(known);
    const timers = { pollTimer: null, askTimer: null };
    const watch = { pk, container, seqs: new Map(), lastSeq: null, held: [], awaiting: true, ...timers };
    watches.set(pk, watch);
    liveops.follow(pk, {
      socket: container.dataset.liveopSocket,
      unsubscribe: { op: pk },
      opened: () => ask(watch, true),
      receive: (frame) => receive(watch, frame),
      trouble: (frame) => fail(watch, frame),
      connection: (state) => connection(watch, state),
    });
  }

  /** Follow the unfinished operations in `root`. */
  function init(root = document) {
    if (!window.htmx?.swap) return void console.error("liveops: load htmx 2 before liveops.js");
    if (root.dataset?.liveop) attach(root);
    root.querySelectorAll("[data-liveop]").forEach(attach);
    settle();
  }

  /** Show why a control was refused; follow what was started again. */
  function controlDone({ target, detail: { xhr, successful, elt } }) {
    const container = target.closest?.("#op-controls")?.closest("[data-liveop]");
    if (!container) return;
    const { liveopState: shown, liveopConnection: connected = "" } = container.dataset;
    const hasMoved = (xhr.getResponseHeader?.("X-Liveop-State") ?? shown) !== shown;
    if (hasMoved || (successful && elt.matches("[data-liveop-restart], [data-liveop-resume]"))) {
      if (!successful || elt.hasAttribute("data-liveop-restart")) liveops.log?.reset(container);
      setState(container, "NOT_STARTED");
      init(container);
    }
    const reason = xhr.status === 409 ? xhr.responseText : "failed";
    if (!successful) showConnection(container, connected, reason);
  }

  Object.assign(liveops, { init, filterFragments, navigate: (url) => location.assign(url) });

  document.addEventListener("htmx:load", ({ target }) => init(target));
  document.addEventListener("htmx:afterSettle", settle);
  document.addEventListener("htmx:afterRequest", controlDone);
  document.addEventListener("DOMContentLoaded", () => init());
})();
