/**
 * What the page around the operations does: the title and the address, clocks that go with the
 * server's time, sentences for those who listen, notifications for those who look elsewhere.
 * It knows operations by their containers, and by the events that liveops.js sends from them.
 */
(function () {
  "use strict";
  const { liveops } = window;
  const UNFINISHED = ["NOT_STARTED", "STARTED"];
  const [SECOND_MS, DAY_S, LONGEST_DAYS, STORED] = [1000, 86400, 99, "liveops.notify"];
  const UNKNOWN = "–";
  const goesOn = ({ liveopState, liveopRefused }) => UNFINISHED.includes(liveopState) && !liveopRefused;
  const isUnfinished = (container) => Boolean(container && goesOn(container.dataset));

  /** Choose the mark for the document title from the states of all operations on the page. */
  function titleMark(states) {
    if (states.some((state) => UNFINISHED.includes(state))) return "";
    if (states.includes("FINISHED_ERROR")) return "✗";
    return states.every((state) => state === "FINISHED_OK") ? "✓" : "⊘";
  }

  /** Write seconds as 0:07, 12:34, 1:02:03 or 1 d 2:03:04; 0:00 for what is still to come. */
  function formatDuration(seconds, pattern = "{days} d {time}") {
    const whole = Math.max(0, Math.round(seconds));
    const [days, hours] = [Math.floor(whole / DAY_S), Math.floor(whole / 3600) % 24];
    const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
    const two = (number) => String(number).padStart(2, "0");
    const time = `${hours}:${two(minutes)}:${two(rest)}`;
    if (days) return fill(pattern, { days, time });
    return hours ? time : `${minutes}:${two(rest)}`;
  }

  /** Write the seconds that are left; a dash where nothing sensible is known. */
  function formatRemaining(seconds, pattern) {
    const isKnown = seconds > 0 && seconds < LONGEST_DAYS * DAY_S;
    return isKnown ? formatDuration(Math.ceil(seconds), pattern) : UNKNOWN;
  }

  /** Put values into a text of the page that names them in braces. */
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (name, key) => values[key] ?? name);

  // The title and the address

  /** Show the worst of all states in the title; `rename` changes what it says beside that. */
  function showTitle(rename = (title) => title) {
    const containers = [...document.querySelectorAll("[data-liveop]")];
    const mark = titleMark(containers.map(({ dataset }) => dataset.liveopState));
    document.title = `${mark} ${rename(document.title.replace(/^[✓✗⊘] /, ""))}`.trim();
  }

  /** Let the title go on with a chain, and the address if it is that of the operation itself. */
  function goOn(container, { from, op, title: last }) {
    const { liveopTitle: title, liveopSnapshotUrl: url } = container.dataset;
    const page = url.replace(/snapshot\/$/, "");
    const isOwnPage = location.pathname === page.replace(op, from);
    if (isOwnPage) history.replaceState(history.state, "", page);
    showTitle((shown) => {
      const renamed = shown.replace(from.slice(0, 8), op.slice(0, 8));
      if (last && shown.includes(last)) return renamed.split(last).join(title);
      return isOwnPage ? title : shown;
    });
  }

  // Clocks

  const timesTaken = new WeakMap();
  let [offsetMs, clockTimer] = [0, null];

  /** Learn the server's time from an element that carries it, once for each time it changes. */
  function takeTime(element) {
    const { liveopNow: now } = element.dataset;
    if (timesTaken.get(element) === now || !Number(now)) return;
    timesTaken.set(element, now);
    offsetMs = Number(now) * SECOND_MS - liveops.now();
  }

  /** Bring the clocks in a part of the page up to date; tell whether there are any that go. */
  function setClocks(root) {
    const now = (liveops.now() + offsetMs) / SECOND_MS;
    let isAny = false;
    for (const clock of root.querySelectorAll("[data-liveop-since], [data-liveop-until]")) {
      const container = clock.closest("[data-liveop]");
      if (container && !isUnfinished(container)) continue;
      const { liveopSince: since, liveopUntil: until } = clock.dataset;
      const pattern = clock.closest("[data-text-days]")?.dataset.textDays;
      const text = since
        ? formatDuration(now - since, pattern)
        : formatRemaining(until - now, pattern);
      if (clock.textContent !== text) clock.textContent = text;
      if (until) clock.closest(".liveop-facts > li")?.toggleAttribute("hidden", text === UNKNOWN);
      isAny = true;
    }
    return isAny;
  }

  /** Bring all clocks up to date, and come back at the next full second if there are any. */
  function tick() {
    liveops.timers.clearTimeout(clockTimer);
    clockTimer = null;
    if (document.hidden || !setClocks(document)) return;
    const nowMs = liveops.now() + offsetMs;
    clockTimer = liveops.timers.setTimeout(tick, SECOND_MS - (nowMs % SECOND_MS));
  }

  // Announcements: one sentence for each stage, and one at the end

  const said = /** @type {WeakMap<Element, Set<string>>} */ (new WeakMap());

  function say(container, text) {
    const announcer = container.querySelector(".liveop-announcer");
    if (announcer) announcer.textContent = text;
  }

  /** Announce the stage that is active, if it was not announced before; or just take note of it. */
  function noteStage(container, isQuiet) {
    const stage = container.querySelector('#op-stages [aria-current="step"]');
    const known = said.get(container) ?? new Set();
    said.set(container, known);
    if (!stage) return;
    const stages = [...stage.parentElement.children];
    const name = stage.querySelector(".liveop-step-name")?.textContent.trim() ?? "";
    const number = stages.indexOf(stage) + 1;
    if (known.has(`${number} ${name}`)) return;
    known.add(`${number} ${name}`);
    const text = container.querySelector(".liveop-announcer")?.dataset.textStage ?? "{name}";
    if (!isQuiet) say(container, fill(text, { number, total: stages.length, name }));
  }

  /** Announce the end, and notify whoever asked for that and looks elsewhere. */
  function tellEnd(container) {
    const { liveop: pk, liveopTitle: title, liveopState } = container.dataset;
    const badge = container.querySelector("#op-status .liveop-badge")?.textContent.trim();
    const text = container.querySelector(".liveop-announcer")?.dataset.textEnd;
    const sentence = fill(text ?? "{title}: {state}", { title, state: badge || liveopState });
    say(container, sentence);
    if (document.hidden && isOn()) notify(sentence, pk);
  }

  // Notifications

  let isWanted = remembered() === "1";
  const isOn = (allowed = permission()) => isWanted && allowed === "granted";
  const permission = () => window.Notification?.permission;

  /** Read the choice that was made on any page; a browser may deny even to look. */
  function remembered() {
    try {
      return window.localStorage.getItem(STORED);
    } catch (error) {
      console.debug("liveops: nothing is remembered,", error);
      return null;
    }
  }

  function remember(isChosen) {
    isWanted = isChosen;
    try {
      window.localStorage.setItem(STORED, isChosen ? "1" : "0");
    } catch (error) {
      console.debug("liveops: nothing is remembered,", error);
    }
  }

  function notify(title, tag) {
    try {
      const notification = new window.Notification(title, { tag });
      notification.onclick = () => {
        window.focus();
        notification.close();
      };
    } catch (error) {
      console.warn("liveops: this browser shows no notifications from a page,", error);
    }
  }

  /** Show the switches of all operations as they stand: none where there is nothing to switch. */
  function showSwitches() {
    const allowed = permission(); // the browser asks another process, which takes its time
    const isDenied = allowed === "denied";
    for (const button of document.querySelectorAll("[data-liveop-notify]")) {
      button.hidden = !window.Notification || !isUnfinished(button.closest("[data-liveop]"));
      button.setAttribute("aria-pressed", String(isOn(allowed)));
      button.title = (isDenied ? button.dataset.textDenied : button.dataset.textTitle) ?? "";
    }
  }

  async function toggle() {
    const isChosen = !isOn();
    if (isChosen && permission() === "default") await window.Notification.requestPermission();
    remember(isChosen && permission() === "granted");
    showSwitches();
  }

  let isTurning = false;

  /** Let spinners go on: replaced, they would start anew with every frame without one clock. */
  function keepTurningSoon() {
    if (isTurning || !document.getAnimations) return;
    isTurning = true;
    window.requestAnimationFrame(keepTurning);
  }

  function keepTurning() {
    isTurning = false;
    for (const one of document.getAnimations())
      if (one.animationName?.startsWith("liveop-") && one.startTime !== 0) one.startTime = 0;
  }

  /** Let nothing look alive of which nothing more will be heard. */
  function freeze(container) {
    container.querySelector("#op-controls")?.replaceChildren();
    for (const one of container.getAnimations?.({ subtree: true }) ?? []) one.cancel();
    showSwitches();
  }

  /** Say that nothing will move, where htmx could not be loaded: the scripts go on without it. */
  function tellIncomplete() {
    for (const place of document.querySelectorAll("[data-text-incomplete]")) {
      const container = place.closest("[data-liveop]");
      if (!container || isUnfinished(container)) place.textContent = place.dataset.textIncomplete;
    }
  }

  // What happens

  function on(event, react) {
    document.addEventListener(event, (happened) => react(happened.target, happened.detail ?? {}));
  }

  on("liveop:attached", (container) => {
    takeTime(container);
    noteStage(container, true);
    showSwitches();
    tick();
  });
  on("liveop:applied", (container) => {
    takeTime(container);
    noteStage(container, false);
    keepTurningSoon();
    if (!document.hidden && setClocks(container) && clockTimer === null) tick();
  });
  on("liveop:state", (container, { state, chained }) => {
    if (state === "NOT_STARTED") said.delete(container);
    if (!UNFINISHED.includes(state) && !chained) tellEnd(container);
    showTitle();
    showSwitches();
    tick();
  });
  on("liveop:chained", (container, detail) => {
    said.delete(container);
    goOn(container, detail);
    if (!isUnfinished(container)) tellEnd(container);
  });
  on("liveop:refused", freeze);
  on("click", (target) => target.closest?.("[data-liveop-notify]") && toggle());
  on("htmx:load", (target) => {
    if (target.dataset?.liveopNow) takeTime(target);
    if (!target.closest?.("[data-liveop]")) tick();
  });
  on("visibilitychange", tick);
  on("DOMContentLoaded", () => {
    document.querySelectorAll("[data-liveop-now]").forEach(takeTime);
    if (!window.htmx?.swap) tellIncomplete();
    tick();
  });
  window.addEventListener("storage", ({ key }) => {
    if (key !== STORED) return;
    isWanted = remembered() === "1";
    showSwitches();
  });

  Object.assign(liveops, { titleMark, formatDuration });
})();
