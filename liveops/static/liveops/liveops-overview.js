/**
 * Keeps the list of operations and the badge live: over the page's socket, or by fetching where
 * there is none to be had. A page that nobody looks at asks for nothing.
 *
 * @typedef {object} View a `[data-liveops-view]` of the page
 * @property {string} name "list" or "badge"; a page has one of each at most
 * @property {Element} root
 * @property {?object} subscribe what the socket is asked for; null if it does not know this list
 * @property {boolean} isOver whether the server said that there is nothing to see any more
 * @property {?number} timer of the next fetch
 */
(function () {
  "use strict";
  const { liveops } = window;
  const [POLL_MS, IDLE_MS] = [{ list: 5000, badge: 10000 }, 30000];
  const REFUSALS = [401, 403, 404];
  const SWAP = { swapStyle: "none", transition: false, ignoreTitle: true };
  const views = /** @type {Map<string, View>} */ (new Map());
  const followed = /** @type {Set<View>} */ (new Set());

  /** Show how the connection fares, with the sentence that the page has for it. */
  function showConnection({ root }, state, text) {
    const indicator = root.querySelector(".liveop-connection");
    root.dataset.liveopConnection = state;
    if (indicator) indicator.textContent = text ?? indicator.getAttribute(`data-text-${state}`);
  }

  /** Remove the fragments, in place, whose target is not in the view. */
  function dropHomeless(root, content) {
    for (const fragment of Array.from(content.children)) {
      const [, target] = /^\w+(?::(.+))?$/s.exec(fragment.getAttribute("hx-swap-oob") ?? "") ?? [];
      const selector = target ?? `#${CSS.escape(fragment.id)}`;
      if (!root.matches(selector) && !root.querySelector(selector)) fragment.remove();
    }
  }

  /** Let htmx swap what changed; what the reader opened in it stays open. */
  function apply({ root }, html) {
    const template = Object.assign(document.createElement("template"), { innerHTML: html });
    dropHomeless(root, template.content);
    for (const { id } of root.querySelectorAll("details[open][id]"))
      template.content.querySelector(`details#${CSS.escape(id)}`)?.setAttribute("open", "");
    if (template.content.children.length) window.htmx.swap(root, template.innerHTML, SWAP);
    root.dispatchEvent(new CustomEvent("liveop:applied", { bubbles: true }));
  }

  /** Take a frame, from the socket or fetched. */
  function take(view, { mark, now, liveop_html: html, error, detail }) {
    const { root, subscribe } = view;
    if (error === "not_found") {
      view.isOver = true;
      showConnection(view, "refused", detail);
    } else if (!error) {
      if (subscribe) subscribe.mark = mark;
      Object.assign(root.dataset, { liveopsMark: mark, liveopNow: now });
      if (html) apply(view, html);
    }
    settle(view);
  }

  function stopFetching(view) {
    view.timer = liveops.timers.clearTimeout(view.timer) ?? null;
  }

  /** Fetch every `pace` ms from now on, the first time after `delay`. */
  function fetchAfter(view, pace, delay = pace) {
    stopFetching(view);
    view.timer = liveops.timers.setTimeout(fetchNow, delay, view, pace);
  }

  /** Fetch what changed, and do so again after a while; but not from a login page. */
  async function fetchNow(view, pace) {
    const { root, timer } = view;
    const options = { cache: "no-cache", headers: { Accept: "application/json" } };
    const answer = await window
      .fetch(root.dataset.liveopsUrl, options)
      .then((response) => {
        if (response.redirected || REFUSALS.includes(response.status)) return { error: "not_found" };
        return response.ok ? response.json() : Promise.reject(response.status);
      })
      .catch((error) => console.warn("liveops: the", view.name, "cannot be fetched,", error));
    if (view.timer !== timer) return;
    fetchAfter(view, pace);
    showConnection(view, answer ? "blocked" : "offline");
    if (answer && answer.mark !== root.dataset.liveopsMark) take(view, answer);
  }

  /** Hear how the socket fares: where it never opens, fetch until it does. */
  function hearConnection(view, state) {
    if (!followed.has(view)) return;
    showConnection(view, state);
    if (state === "live" || state === "refused") stopFetching(view);
    else if (state === "blocked" && view.timer === null) fetchAfter(view, POLL_MS[view.name]);
  }

  function follow(view) {
    const { name, root, subscribe } = view;
    if (followed.has(view)) return;
    followed.add(view);
    stopFetching(view);
    liveops.follow(name, {
      socket: root.dataset.liveopSocket,
      subscribe,
      unsubscribe: { [name]: subscribe[name] },
      receive: (frame) => take(view, frame),
      connection: (state) => hearConnection(view, state),
    });
  }

  function unfollow(view) {
    stopFetching(view);
    if (followed.delete(view)) liveops.unfollow(view.name);
  }

  /** Tell whether something else on the page keeps the socket open. */
  function isAccompanied(view) {
    const unfinished = "[data-liveop-state=NOT_STARTED], [data-liveop-state=STARTED]";
    return [...followed].some((one) => one !== view) || document.querySelector(unfinished);
  }

  /** Ask in the way that fits: a badge of which nothing is under way keeps no socket open. */
  function settle(view, delay) {
    const { name, root, subscribe, isOver } = view;
    const isQuiet = name === "badge" && !root.querySelector("[data-liveops-active]");
    const isIdle = isQuiet && !isAccompanied(view);
    if (!root.isConnected || isOver || document.hidden) return unfollow(view);
    if (subscribe && !isIdle) return follow(view);
    if (followed.has(view)) unfollow(view);
    const pace = isIdle ? IDLE_MS : POLL_MS[name];
    if (view.timer === null) fetchAfter(view, pace, delay);
  }

  /** What to ask the socket for: the list or the badge, in the page's language. */
  function request(name, { liveopsQuery, liveopsLanguage, liveopsZone, liveopsMark }) {
    if (name === "list" && liveopsQuery === undefined) return null;
    const subject = name === "list" ? { list: liveopsQuery } : { badge: true };
    const [language, zone] = [liveopsLanguage ?? "", liveopsZone ?? ""];
    return { ...subject, language, zone, mark: liveopsMark ?? "" };
  }

  function attach(root) {
    const name = root.dataset.liveopsView;
    const known = views.get(name);
    if (known?.root.isConnected) return;
    if (known) unfollow(known);
    const subscribe = request(name, root.dataset);
    const view = { name, root, subscribe, isOver: false, timer: null };
    views.set(name, view);
    views.forEach((one) => settle(one));
  }

  /** Follow the views in a part of the page; let go of those that left it. */
  function init(root = document) {
    if (!window.htmx?.swap) return;
    views.forEach((view) => view.root.isConnected || settle(view));
    if (root.dataset?.liveopsView) attach(root);
    root.querySelectorAll?.("[data-liveops-view]").forEach(attach);
  }

  /** Have the badge say the same as the page of the operation that it names, which knows first. */
  function agree() {
    const newest = document.querySelector("#liveops-badge-newest");
    const shown = newest?.querySelector(".liveop-percent");
    if (!shown) return;
    for (const container of document.querySelectorAll("[data-liveop]")) {
      const page = container.dataset.liveopSnapshotUrl.replace(/snapshot\/$/, "");
      const whole = container.querySelector("#op-progress [data-whole] .liveop-percent");
      if (whole && newest.getAttribute("href") === page) shown.textContent = whole.textContent;
    }
  }

  const initOperations = liveops.init;
  liveops.init = (root) => [initOperations, init].forEach((one) => one(root));

  for (const event of ["attached", "applied"]) document.addEventListener(`liveop:${event}`, agree);
  document.addEventListener("liveop:state", () => views.forEach((view) => settle(view)));
  document.addEventListener("visibilitychange", () => views.forEach((view) => settle(view, 0)));
  document.addEventListener("htmx:load", ({ target }) => init(target));
  document.addEventListener("htmx:afterSettle", () => init());
  document.addEventListener("DOMContentLoaded", () => init());
})();
