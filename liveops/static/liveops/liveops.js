/**
 * Keeps the operations of a page live: one socket for all of them, frames applied through htmx.
 * Every `[data-liveop]` container is complete as rendered; this script only brings what changes.
 * @typedef {{seqs: Map<string, number>, lastSeq: ?number, awaiting: boolean}} Watch the newest
 *   data-seq of each region, the newest frame (null after a snapshot), whether a snapshot is due
 */
(function () {
  "use strict";
  const UNFINISHED = ["NOT_STARTED", "STARTED"];
  const [MIN_DELAY_MS, MAX_DELAY_MS, ASK_AGAIN_MS, POLL_MS] = [500, 30000, 2000, 2000];
  const [POLICY_REFUSAL, POLL_AFTER_FAILURES, MAX_HELD, BOTTOM_SLACK_PX] = [4403, 3, 500, 8];
  const SWAP = { swapStyle: "none", transition: false, ignoreTitle: true };

  /** Give the wait before the next attempt in ms: full jitter below a doubling, capped ceiling. */
  function reconnectDelay(failures, random) {
    const ceiling = Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** failures);
    return MIN_DELAY_MS + random() * (ceiling - MIN_DELAY_MS);
  }

  /** Choose the mark for the document title from the states of all operations on the page. */
  function titleMark(states) {
    if (states.some((state) => UNFINISHED.includes(state))) return "";
    if (states.includes("FINISHED_ERROR")) return "✗";
    return states.every((state) => state === "FINISHED_OK") ? "✓" : "⊘";
  }

  /** Give the number of the last line in a list of log lines, 0 if it has none. */
  const lastLine = (list) => Number(list?.lastElementChild?.dataset.n ?? 0);

  /**
   * Remove from parsed fragments, in place, what the page shows already or shows newer.
   * @param {{seqs: Map<string, number>, lastLine: number}} shown brought up to date
   * @param {boolean} hold take out appended log lines whole, for use after the snapshot
   * @returns {string[]} what was held back
   */
  function filterFragments(content, shown, hold) {
    const held = [];
    for (const fragment of Array.from(content.children)) {
      const { seq, log } = fragment.dataset;
      const stale = Number(seq) < (shown.seqs.get(fragment.id) ?? -Infinity);
      if (seq !== undefined && !stale) shown.seqs.set(fragment.id, Number(seq));
      if (fragment.id === "op-log") shown.lastLine = lastLine(fragment.querySelector("ol"));
      if (log !== undefined && hold) held.push(fragment.outerHTML);
      else if (log !== undefined) dropKnownLines(fragment, shown);
      if (stale || (log !== undefined && (hold || !fragment.children.length))) fragment.remove();
    }
    return held;
  }

  /** Drop the lines up to the last one shown; a mark of skipped lines goes with the line after. */
  function dropKnownLines(list, shown) {
    let known = true;
    for (const line of Array.from(list.children).reverse()) {
      if (line.dataset.n) known = Number(line.dataset.n) <= shown.lastLine;
      if (known) line.remove();
    }
    shown.lastLine = Math.max(shown.lastLine, lastLine(list));
  }

  const watches = /** @type {Map<string, Watch>} */ (new Map());
  let [socket, failures, retryTimer, refused] = [null, 0, null, false];

  /** Set the connection's state ("": none); `text` is a sentence or the name of a data-text-*. */
  function showConnection(container, state, text = state) {
    const indicator = container.querySelector(".liveop-connection");
    container.dataset.liveopConnection = state;
    if (indicator) indicator.textContent = indicator.getAttribute(`data-text-${text}`) ?? text;
  }

  /** Keep a log at its end until the reader scrolls up, and again once they are back. */
  function followLog(container) {
    const log = container.querySelector("#op-log");
    const toEnd = () => (log.scrollTop = log.scrollHeight);
    if (!log || log.onscroll) return;
    container.querySelector("[data-liveop-follow]")?.addEventListener("click", toEnd);
    log.onscroll = () => {
      const below = log.scrollHeight - log.scrollTop - log.clientHeight;
      log.toggleAttribute("data-away", below > BOTTOM_SLACK_PX);
    };
    toEnd();
  }

  /** Fill the operation's own parts: in its container, or else wherever the page has them. */
  function fillParts(container, parts) {
    for (const part of parts) {
      const [, swapStyle, target] = /^(\w+):\S+ (.+)$/.exec(part.getAttribute("hx-swap-oob"));
      const place = container.querySelector(target) ?? document.querySelector(target);
      if (place) window.htmx.swap(place, part.innerHTML, { ...SWAP, swapStyle });
    }
  }

  /** Let htmx swap what the filter leaves of a frame, then see to the log and the animations. */
  function applyHtml({ container, seqs, held, awaiting }, html) {
    const log = container.querySelector("#op-log");
    const shown = { seqs, lastLine: lastLine(log?.querySelector("ol")) };
    const template = Object.assign(document.createElement("template"), { innerHTML: html });
    held.push(...filterFragments(template.content, shown, awaiting));
    held.splice(0, held.length - MAX_HELD);
    const parts = [...template.content.querySelectorAll("[data-swap]")];
    parts.forEach((part) => part.remove());
    if (template.content.children.length) window.htmx.swap(container, template.innerHTML, SWAP);
    fillParts(container, parts);
    const list = log?.querySelector("ol");
    for (; list?.children.length > liveops.maxLines; list.firstElementChild.remove())
      list.dataset.trimmed = "";
    if (log && !log.hasAttribute("data-away")) log.scrollTop = log.scrollHeight;
    // A replaced spinner would start anew with every frame; on one clock it just goes on.
    for (const one of container.getAnimations?.({ subtree: true }) ?? [])
      if (one.animationName?.startsWith("liveop-")) one.startTime = 0;
  }

  /** Apply a snapshot, then the held lines: those pushed while it was read may be missing in it. */
  function applySnapshot(watch, html) {
    Object.assign(watch, { awaiting: false, lastSeq: null });
    [html, ...watch.held.splice(0)].forEach((part) => applyHtml(watch, part));
  }

  function setState(container, state) {
    container.dataset.liveopState = state;
    const all = [...document.querySelectorAll("[data-liveop]")].map((c) => c.dataset.liveopState);
    document.title = `${titleMark(all)} ${document.title.replace(/^[✓✗⊘] /, "")}`.trim();
  }

  function finish(watch, { state, success_url: successUrl }) {
    setState(watch.container, state);
    showConnection(watch.container, "");
    drop(watch);
    settle();
    if (successUrl) liveops.navigate(successUrl);
  }

  const send = (message) => socket?.readyState === 1 && socket.send(JSON.stringify(message));
  const pollSoon = (watch) => watch.pollTimer ?? liveops.timers.setTimeout(poll, 0, watch);
  const stop = (watch, timer) => (watch[timer] = liveops.timers.clearTimeout(watch[timer]) ?? null);

  /** Fetch snapshots at a slow pace: the way of a page whose sockets are blocked. */
  async function poll(watch) {
    const { container, pollTimer } = watch;
    const { liveopToken: token, liveopSnapshotUrl: url } = container.dataset;
    const headers = { Accept: "application/json", ...(token && { "X-Liveop-Token": token }) };
    const data = await window
      .fetch(url, { cache: "no-cache", headers })
      .then((response) => (response.ok ? response.json() : Promise.reject(response.status)))
      .catch((error) => console.warn("liveops: no snapshot from", url, error));
    if (watch.pollTimer !== pollTimer) return;
    watch.pollTimer = liveops.timers.setTimeout(poll, POLL_MS, watch);
    showConnection(container, data ? "connecting" : "offline", data ? "polling" : "offline");
    if (data && data.liveop_html !== watch.polled) applySnapshot(watch, data.liveop_html);
    if (data && !UNFINISHED.includes(data.state)) finish(watch, data);
    watch.polled = data?.liveop_html;
  }

  /** Ask for a snapshot: at once if `anew`, else at most once per ASK_AGAIN_MS. */
  function ask(watch, anew) {
    const { container, pk } = watch;
    const token = container.dataset.liveopToken;
    const after = lastLine(container.querySelector("#op-log ol"));
    if (anew) stop(watch, "askTimer");
    if (anew && watch.pollTimer === null) showConnection(container, "connecting");
    watch.awaiting = true;
    if ((watch.askAgain = watch.askTimer !== null)) return;
    send({ subscribe: { op: pk, ...(token && { token }), log_after: after } });
    watch.askTimer = liveops.timers.setTimeout(() => {
      watch.askTimer = null;
      if (watch.askAgain && watch.awaiting) ask(watch);
    }, ASK_AGAIN_MS);
  }

  function connect() {
    retryTimer = liveops.timers.clearTimeout(retryTimer) ?? null;
    if (socket || refused || !watches.size) return;
    const path = watches.values().next().value.container.dataset.liveopSocket;
    const opened = liveops.socketFactory(new URL(path, location.href).href.replace(/^http/, "ws"));
    socket = opened;
    opened.onopen = () => watches.forEach((watch) => ask(watch, true));
    opened.onmessage = ({ data }) => socket === opened && receive(JSON.parse(data));
    opened.onclose = ({ code }) => socket === opened && lose(code);
  }

  /** The socket is gone: try again unless the server refused us; poll if it never gets through. */
  function lose(code) {
    const delay = reconnectDelay((failures += 1), liveops.random);
    socket = null;
    refused = code === POLICY_REFUSAL;
    for (const watch of watches.values()) {
      if (failures >= POLL_AFTER_FAILURES && !refused) watch.pollTimer = pollSoon(watch);
      else showConnection(watch.container, "offline", refused ? "refused" : "offline");
    }
    if (!refused) retryTimer = liveops.timers.setTimeout(connect, delay);
  }

  function receive(frame) {
    const watch = watches.get(frame.op);
    failures = 0;
    if (frame.error) {
      watches.forEach((one) => (frame.op ?? one.pk) === one.pk && fail(one, frame));
    } else if (frame.liveop_chain) {
      hop(frame.op, frame.liveop_chain);
    } else if (watch && frame.liveop_finished) {
      finish(watch, frame.liveop_finished);
    } else if (watch && frame.snapshot) {
      stop(watch, "pollTimer");
      showConnection(watch.container, "live");
      applySnapshot(watch, frame.liveop_html);
    } else if (watch) {
      const last = watch.lastSeq ?? frame.seq;
      if (watch.awaiting || frame.seq > last + 1) ask(watch);
      watch.lastSeq = Math.max(frame.seq, last);
      applyHtml(watch, frame.liveop_html);
    }
  }

  /** Show the server's sentence, and do what its code calls for. */
  function fail(watch, { error, detail }) {
    const { dataset } = watch.container;
    if (error === "rate_limited") ask(watch);
    if (error === "too_many") watch.pollTimer = pollSoon(watch);
    if (error === "forbidden" || error === "not_found") {
      Object.assign(dataset, { liveopConnection: "offline", liveopRefused: error });
      drop(watch);
      settle();
    }
    showConnection(watch.container, dataset.liveopConnection, detail);
  }

  /** Follow a chain: the next operation's container was swapped in by the frame before. */
  function hop(from, { op, token }) {
    const next = document.querySelector(`[data-liveop="${CSS.escape(op)}"]`);
    if (!next) return;
    const page = next.dataset.liveopSnapshotUrl.replace(/snapshot\/$/, "");
    if (location.pathname === page.replace(op, from)) history.replaceState({}, "", page);
    if (token) next.dataset.liveopToken = token;
    delete next.dataset.liveopRefused;
    init(next);
  }

  function drop(watch) {
    ["pollTimer", "askTimer"].forEach((timer) => stop(watch, timer));
    watches.delete(watch.pk);
    send({ unsubscribe: { op: watch.pk } });
  }

  /** Let go of operations that left the page; open the socket, or close it when none is left. */
  function settle() {
    for (const watch of watches.values()) if (!watch.container.isConnected) drop(watch);
    if (watches.size && retryTimer === null) connect();
    if (watches.size || !socket) return;
    const last = socket;
    socket = null;
    last.close(1000);
  }

  /** Follow one container, unless it is finished, refused or followed already. */
  function attach(container) {
    const { liveop: pk, liveopState: state, liveopRefused: no } = container.dataset;
    const known = watches.get(pk);
    const swaps = container.querySelector("template[data-liveop-swaps]");
    fillParts(container, [...(swaps?.content.children ?? [])]);
    followLog(container);
    if (no || !UNFINISHED.includes(state) || known?.container.isConnected) return;
    if (known) drop(known);
    const watch = { pk, container, seqs: new Map(), lastSeq: null, held: [], pollTimer: null };
    watches.set(pk, watch);
    ask(watch, true);
  }

  /** Follow the unfinished operations in `root`; call it as often as you like. */
  function init(root = document) {
    if (!window.htmx?.swap) return void console.error("liveops: load htmx 2 before liveops.js");
    if (root.dataset?.liveop) attach(root);
    root.querySelectorAll("[data-liveop]").forEach(attach);
    settle();
  }

  /** Show why a control was refused; follow an operation that was started again. */
  function controlDone({ target, detail: { xhr, successful, elt } }) {
    const container = target.closest?.("#op-controls")?.closest("[data-liveop]");
    if (container && !successful) {
      const text = xhr.status === 409 ? xhr.responseText : "failed";
      showConnection(container, container.dataset.liveopConnection ?? "", text);
    } else if (container && elt.hasAttribute("data-liveop-restart")) {
      container.querySelector("#op-log ol")?.replaceChildren();
      setState(container, "NOT_STARTED");
      init(container);
    }
  }

  const liveops = { init, reconnectDelay, titleMark, filterFragments, timers: window };
  Object.assign(liveops, { random: Math.random, maxLines: 5000 });
  liveops.socketFactory = (url) => new WebSocket(url);
  window.liveops = Object.assign(liveops, { navigate: (url) => location.assign(url) });

  window.addEventListener("online", connect);
  document.addEventListener("visibilitychange", () => document.hidden || connect());
  document.addEventListener("htmx:load", ({ target }) => init(target));
  document.addEventListener("htmx:afterSettle", settle);
  document.addEventListener("htmx:afterRequest", controlDone);
  document.addEventListener("DOMContentLoaded", () => init());
})();
