/**
 * What a reader does with a log: search in all of it, link to its lines, see when they were
 * written, go to a stage.
 *
 * @typedef {{text: string, matches: number[], more: boolean, at: number}} Search
 */
(function () {
  "use strict";
  const { liveops } = window;
  const { logPages: pages } = liveops;
  const { numberOf } = liveops.LogList;
  const [STORED_TIMES, PAUSE_MS] = ["liveops.times", 300];

  const logOf = (element) => liveops.log.of(element?.closest("[data-liveop]"));
  const firstLog = () => logOf(document.querySelector("[data-liveop]"));

  // Lines that are linked to.

  /** Read `#L12` or `#L5-L9`; null for anything else. */
  function readHash(hash) {
    const found = /^#L(\d{1,15})(?:-L?(\d{1,15}))?$/.exec(hash);
    if (!found) return null;
    const [from, to] = [Number(found[1]), Number(found[2] ?? found[1])];
    return [Math.min(from, to), Math.max(from, to)];
  }

  /** Mark lines; those of the first log on a page are what the address stands for. */
  function mark(log, from, to) {
    log.marked = [from, to];
    decorate(log);
    if (log !== firstLog()) return;
    history.replaceState(history.state, "", from === to ? `#L${from}` : `#L${from}-L${to}`);
  }

  /** Show a line, fetching it if need be; give its row, or the next one for a line that is gone. */
  async function goTo(log, number) {
    const { list } = log;
    if (!list.row(number) && log.url) await pages.around(log, { around: number });
    const row = list.row(number) ?? [...list.rows].find((one) => numberOf(one) > number);
    if (row) log.place(row);
    return row;
  }

  async function openHash(log) {
    const range = log && readHash(location.hash);
    if (!range) return;
    log.follow(false);
    log.marked = range;
    await goTo(log, range[0]);
    decorate(log);
  }

  function pick(log, link, isRange) {
    const number = numberOf(link.closest("[data-n]"));
    const [from] = (isRange && log.marked) || [number];
    mark(log, Math.min(from, number), Math.max(from, number));
  }

  // Search.

  const inputOf = (log) => log.container.querySelector(".liveop-log-query");
  const textIn = (log) => inputOf(log)?.value.trim() ?? "";

  /** Put `<mark>` around each occurrence of a text in a line. */
  function highlight(row, text) {
    const node = row.querySelector(".liveop-text")?.lastChild;
    const needle = text.toLowerCase();
    if (node?.nodeType !== Node.TEXT_NODE || !needle) return;
    let rest = node;
    for (let at; rest.data.toLowerCase().length === rest.data.length; ) {
      at = rest.data.toLowerCase().indexOf(needle);
      if (at < 0) return;
      const found = rest.splitText(at);
      rest = found.splitText(needle.length);
      const wrapper = document.createElement("mark");
      found.replaceWith(wrapper);
      wrapper.append(found);
    }
  }

  function unhighlight(row) {
    for (const wrapper of row.querySelectorAll("mark")) {
      wrapper.replaceWith(...wrapper.childNodes);
    }
    row.querySelector(".liveop-text")?.normalize();
    delete row.dataset.match;
  }

  /** Bring the marks of lines up to date: those that are linked to, and those that were found. */
  function decorate(log) {
    const [from, to] = log.marked ?? [NaN, NaN];
    const { text = "", matches = [], at = -1 } = log.search ?? {};
    const found = new Set(matches);
    if (log.highlighted !== text) {
      log.region.querySelectorAll("[data-match]").forEach(unhighlight);
      log.highlighted = text;
    }
    for (const row of log.list.rows) {
      const number = numberOf(row);
      row.toggleAttribute("data-marked", number >= from && number <= to);
      if (!found.has(number)) continue;
      if (!("match" in row.dataset)) highlight(row, text);
      row.dataset.match = number === matches[at] ? "current" : "";
    }
  }

  function showCount(log) {
    const status = log.container.querySelector(".liveop-log-matches");
    const { matches, at, more } = log.search ?? { matches: [] };
    const total = `${pages.write(log, matches.length)}${more ? "+" : ""}`;
    const text = matches.length ? "matches" : "none";
    if (status) status.textContent = log.search ? log.say(text, { i: pages.write(log, at + 1), n: total }) : "";
    for (const button of log.container.querySelectorAll("[data-liveop-match]")) {
      button.disabled = !matches.length;
    }
  }

  /** Search for what stands in the input, or go on with the last search: `step` matches on. */
  async function search(log, step) {
    const text = textIn(log);
    stopWaiting(log);
    if (!text) return clear(log);
    if (log.search?.text === text && log.search.matches.length) return advance(log, step);
    const answer = await pages.ask(log, { q: text });
    if (!answer || textIn(log) !== text) return;
    log.search = { text, ...answer, at: -1 };
    return advance(log, 1);
  }

  async function advance(log, step) {
    const { search: current } = log;
    const { matches } = current;
    if (current.more && current.at + step >= matches.length) {
      const after = matches[matches.length - 1];
      const answer = await pages.ask(log, { q: current.text, after });
      if (!answer || log.search !== current) return;
      matches.push(...answer.matches);
      current.more = answer.more;
    }
    const count = matches.length;
    if (count) current.at = (Math.max(current.at + step, -1) + count) % count;
    showCount(log);
    const number = matches[current.at];
    if (number) await goTo(log, number);
    if (number && log.search === current) mark(log, number, number);
    else decorate(log);
  }

  /** Search once somebody who types pauses: not for a single letter, nor for the same again. */
  function searchSoon(log) {
    const text = textIn(log);
    stopWaiting(log);
    if (!text) return clear(log);
    log.container.querySelectorAll("[data-liveop-match]").forEach((one) => (one.disabled = false));
    if (text.length < 2 || text === log.search?.text) return;
    log.typing = liveops.timers.setTimeout(search, PAUSE_MS, log, 1);
  }

  function stopWaiting(log) {
    log.typing = liveops.timers.clearTimeout(log.typing) ?? null;
  }

  function clear(log) {
    stopWaiting(log);
    if (inputOf(log)) inputOf(log).value = "";
    log.search = null;
    showCount(log);
    decorate(log);
  }

  // Times.

  function storage(action) {
    try {
      return action(window.localStorage);
    } catch {
      return null; // the browser keeps nothing for this page, so the choice lasts as long as it
    }
  }

  function showTimes(isOn) {
    for (const button of document.querySelectorAll("[data-liveop-times]")) {
      const log = logOf(button);
      button.setAttribute("aria-pressed", String(isOn));
      log?.keepPlace(() => log.region.toggleAttribute("data-times", isOn));
      if (log?.isFollowing) log.toEnd();
    }
  }

  // Stages.

  /** Show where a stage of the stepper begins in the log, fetching that part if need be. */
  async function goToStage(log, stage) {
    const { list } = log;
    const groups = () => [...log.region.querySelectorAll(".liveop-log-group")];
    const find = () => groups().find((group) => group.dataset.stage === stage);
    const isCut = groups()[0] === find() && list.first > Number(list.root.dataset.first);
    if ((!find() || isCut) && log.url) await pages.around(log, { stage });
    const group = find();
    if (!group) return;
    log.place(group);
    group.querySelector("summary")?.focus({ preventScroll: true });
  }

  function start(log) {
    const { container } = log;
    const input = inputOf(log);
    container.addEventListener("click", (event) => {
      const { target } = event;
      const link = target.closest('[data-n] > a[href^="#L"]');
      const step = target.closest("a.liveop-step-name");
      const button = target.closest("button");
      if (link || step) event.preventDefault();
      if (link) pick(log, link, event.shiftKey);
      else if (step) goToStage(log, step.closest("[data-stage]")?.dataset.stage);
      else if (button?.dataset.liveopMatch) search(log, Number(button.dataset.liveopMatch));
      else if (button?.matches("[data-liveop-times]")) {
        const isOn = button.getAttribute("aria-pressed") !== "true";
        storage((store) => store.setItem(STORED_TIMES, isOn ? "1" : ""));
        showTimes(isOn);
      }
    });
    input?.addEventListener("keydown", (event) => {
      if (event.key === "Escape") clear(log);
      else if (event.key === "Enter") search(log, event.shiftKey ? -1 : 1);
      else return;
      event.preventDefault();
    });
    // What an input method is still composing is not yet what is looked for.
    input?.addEventListener("input", ({ isComposing }) => isComposing || searchSoon(log));
    input?.addEventListener("compositionend", () => searchSoon(log));
    if (storage((store) => store.getItem(STORED_TIMES))) showTimes(true);
    if (log === firstLog()) openHash(log);
  }

  window.addEventListener("hashchange", () => openHash(firstLog()));
  liveops.logTools = { start, decorate };
})();
