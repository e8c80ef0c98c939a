/**
 * Fetches the parts of a log that are not on the page, and offers what there is around it.
 *
 * @typedef {{html: string, first: ?number, last: ?number, earlier: number, later: number,
 *   pruned: boolean}} Page lines as the server sends them, and how much of the log is around them
 */
(function () {
  "use strict";
  const { liveops } = window;
  const { numberOf, rowsIn, removeRows } = liveops.LogList;

  /** Write a number with what the server puts between its thousands. */
  const write = (log, n) => String(n).replace(/\B(?=(\d{3})+$)/g, log.texts.group ?? ",");
  const makeButton = () => Object.assign(document.createElement("button"), { type: "button" });
  const parse = (html) =>
    Object.assign(document.createElement("template"), { innerHTML: html }).content;

  /** Ask the server about a log; null, with a word to the reader, if it does not answer. */
  async function ask(log, query) {
    const url = `${log.url}?${new URLSearchParams(query)}`;
    const answer = await liveops.fetchJson(url).catch(() => null);
    const status = log.container.querySelector(".liveop-log-matches");
    const failed = log.say("failed");
    if (status && !answer) status.textContent = failed;
    else if (status && status.textContent === failed) status.textContent = "";
    return answer;
  }

  /**
   * Fetch a page and put it in; what is pushed meanwhile follows it.
   * @param {object} query which page
   * @param {(page: Page, content: DocumentFragment) => void} put
   * @returns {Promise<boolean>} whether it was put in
   */
  async function load(log, query, put) {
    const ticket = (log.ticket = {});
    log.region.setAttribute("aria-busy", "true");
    const page = await ask(log, query);
    if (log.ticket !== ticket) return false;
    const waiting = log.interrupt();
    if (page) put(page, parse(page.html));
    waiting.forEach((content) => log.add(content));
    log.refresh();
    return Boolean(page);
  }

  /** Note where the log begins, as a page that starts with `first` tells. */
  function noteStart({ list: { root } }, page, first) {
    root.dataset.first = first - page.earlier;
    root.toggleAttribute("data-pruned", page.pruned);
  }

  const earlier = (log) =>
    load(log, { before: log.list.first }, (page, content) => {
      const { list } = log;
      log.isFollowing = false;
      log.keepPlace(() => list.prepend(content));
      noteStart(log, page, list.first);
      log.trimEnd();
    });

  const later = (log) =>
    load(log, { after: log.list.last }, (page, content) => {
      log.list.append(content);
      log.settle(page.later);
      log.trimStart();
    });

  /** Show the lines around a number, or the beginning of a stage. */
  const around = (log, query) =>
    load(log, query, (page, content) => {
      if (!page.html) return;
      log.isFollowing = false;
      log.list.fill(content);
      noteStart(log, page, page.first);
      log.settle(page.later);
    });

  const tail = (log) =>
    load(log, {}, (page, content) => {
      log.list.fill(content);
      if (page.html) noteStart(log, page, page.first);
      log.settle(0);
      log.follow(true);
    });

  async function toEnd(log) {
    if (log.isDetached && !(await tail(log))) return;
    log.follow(true);
    log.toEnd();
    log.region.focus({ preventScroll: true });
  }

  /** Fetch what came too fast to be pushed, and put it where it is missing. */
  function fillGap(log, gap) {
    const next = gap.nextElementSibling;
    const rows = [...log.list.rows];
    const before = numberOf(rows[rows.indexOf(next) - 1]);
    return load(log, { after: before }, (page, content) => {
      if (!gap.isConnected || !next?.isConnected) return;
      if (gap.contains(document.activeElement)) log.region.focus({ preventScroll: true });
      const isWhole = page.later === 0 || page.last >= numberOf(next);
      log.keepPlace(() => {
        const rest = log.list.cut(gap);
        removeRows([...rowsIn(content)].filter((row) => numberOf(row) >= numberOf(next)));
        log.list.append(content);
        const missing = numberOf(next) - log.list.last - 1;
        if (missing > 0) markGap(log, next, missing, isWhole);
        log.list.append(rest);
      });
      if (log.isFollowing) log.trimStart();
      else log.trimEnd();
    });
  }

  /** Say before a line that others are missing; `isLost` if the server has not got them either. */
  function markGap(log, row, missing, isLost = false) {
    const gap = Object.assign(document.createElement("li"), { className: "liveop-log-gap" });
    gap.textContent = log.say(isLost ? "lost" : "gap", { n: write(log, missing) }, missing);
    if (!isLost) gap.dataset.liveopGap = "";
    row.before(gap);
  }

  function offerGaps(log) {
    if (!log.url) return;
    for (const gap of log.region.querySelectorAll("[data-liveop-gap]")) {
      if (gap.querySelector("button")) continue;
      const button = makeButton();
      button.textContent = log.say("show");
      gap.append(" ", button);
    }
  }

  /** Offer what comes before and after the lines on the page, or say that it is not to be had. */
  function showEdges(log) {
    const { first, last, root } = log.list;
    const start = Number(root.dataset.first) || first;
    const count = Math.max(first - start, 0);
    const atStart = "pruned" in root.dataset ? "pruned" : "";
    showEdge(log, false, count ? (log.url ? "earlier" : "hidden") : atStart, count);
    showEdge(log, true, log.isDetached && log.url ? "later" : "", log.last - last);
    const jump = log.container.querySelector("[data-liveop-follow]");
    if (jump) {
      jump.dataset.textEnd = jump.dataset.textEnd ?? jump.textContent;
      const text = () => log.say("new", { n: write(log, log.unseen) }, log.unseen);
      jump.textContent = log.unseen ? text() : jump.dataset.textEnd;
    }
    log.follow(log.isFollowing);
  }

  function showEdge(log, isLater, text, count) {
    const { root } = log.list;
    const edges = [...root.children].filter((one) => one.matches(".liveop-log-edge"));
    let edge = edges.find((one) => "later" in one.dataset === isLater);
    if (!text) {
      if (edge?.contains(document.activeElement)) log.region.focus({ preventScroll: true });
      return edge?.remove();
    }
    if (!edge) {
      edge = Object.assign(document.createElement("p"), { className: "liveop-log-edge" });
      edge.toggleAttribute("data-later", isLater);
    }
    if (isLater && edge.nextElementSibling) edge.remove();
    if (isLater && !edge.isConnected) root.append(edge);
    else if (!isLater && root.firstElementChild !== edge) root.prepend(edge);
    const isOffer = text === "earlier" || text === "later";
    if (isOffer !== Boolean(edge.querySelector("button"))) {
      edge.replaceChildren(isOffer ? makeButton() : "");
    }
    const place = edge.querySelector("button") ?? edge;
    const sentence = log.say(text, { n: write(log, count) });
    if (place.textContent !== sentence) place.textContent = sentence;
  }

  function start(log) {
    log.container.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      const edge = button?.closest(".liveop-log-edge");
      const gap = button?.closest("[data-liveop-gap]");
      if (button?.matches("[data-liveop-follow]")) toEnd(log);
      else if (gap) fillGap(log, gap);
      else if (edge) ("later" in edge.dataset ? later : earlier)(log);
    });
  }

  liveops.logPages = { start, ask, around, showEdges, offerGaps, markGap, write };
})();
