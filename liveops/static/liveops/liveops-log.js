/**
 * The log of each operation: takes the lines that are pushed, and never holds more than
 * `liveops.maxLines` of them. Lines that do not fit beside what the reader looks at are counted
 * instead, and fetched (liveops-log-pages.js) when the reader goes there.
 */
(function () {
  "use strict";
  const { liveops } = window;
  const { LogList } = liveops;
  const { numberOf, rowsIn, removeRows } = LogList;
  const [SLACK_PX, MAX_WAITING] = [8, 50];

  const due = /** @type {Set<Log>} */ (new Set());

  /** Tell whether the browser lays a log out: not one that is far from what the reader sees. */
  const isLaidOut = ({ region }) =>
    region.checkVisibility?.({ contentVisibilityAuto: true }) ?? true;

  /** Show the ends of logs before the page is painted: all are read first, for one layout. */
  function showEnds() {
    const logs = [...due].filter((log) => log.isFollowing && isLaidOut(log));
    due.clear();
    const heights = logs.map(({ region }) => region.scrollHeight);
    logs.forEach((log, n) => log.toEnd(heights[n]));
  }

  class Log {
    constructor(container, region) {
      const { liveop, liveopLogUrl } = container.dataset;
      Object.assign(this, { container, region, url: liveopLogUrl });
      this.list = new LogList(region, liveop);
      this.texts = (region.closest(".liveop-panel") ?? container).dataset;
      this.last = this.list.last; // the newest line that is known, whether shown or counted
      this.isDetached = false; // lines are known that come after those on the page
      this.unseen = 0; // how many of them were pushed since
      this.isFollowing = true; // the reader is at the end and stays there
      this.isPlaced = false; // a line was brought into view, and nobody has scrolled since
      this.top = region.scrollTop;
      this.ticket = null; // of the page that is being fetched
      this.waiting = []; // what is pushed meanwhile
      this.sizes =
        window.ResizeObserver && new ResizeObserver(() => this.isFollowing && this.toEnd());
    }

    /** Give one of the panel's texts, in the plural form of a count, with numbers in its gaps. */
    say(name, values = {}, count = null) {
      const cap = (word) => word[0].toUpperCase() + word.slice(1);
      const lang = this.container.closest("[lang]")?.lang || undefined;
      const form = count === null ? "" : cap(new Intl.PluralRules(lang).select(count));
      const text = this.texts[`text${cap(name)}${form}`] ?? this.texts[`text${cap(name)}`] ?? "";
      return text.replace(/\{(\w)\}/g, (_, key) => values[key]);
    }

    // What the server pushes.

    /** Take pushed lines: show them below the others, unless they are known or do not fit. */
    add(content) {
      if (this.ticket) {
        this.waiting.push(content);
        this.waiting.splice(0, this.waiting.length - MAX_WAITING);
        return;
      }
      const known = this.last;
      removeRows([...rowsIn(content)].filter((row) => numberOf(row) <= known));
      const rows = [...rowsIn(content)];
      if (!rows.length) return;
      const mayGrow = this.isFollowing || !this.url;
      const room = mayGrow ? Infinity : liveops.maxLines - this.list.rows.length;
      const shown = this.isDetached ? [] : rows.slice(0, Math.max(room, 0));
      this.last = numberOf(rows[rows.length - 1]);
      removeRows(rows.slice(shown.length));
      if (shown.length) this.append(content, known);
      if (shown.length < rows.length) {
        this.unseen += this.last - (numberOf(shown[shown.length - 1]) || known);
        this.isDetached = true;
      }
      if (mayGrow) this.trimStart();
      this.pages.showEdges(this);
    }

    /** Take a log that stands for the whole one; what the page shows of it already stays. */
    replace(content) {
      const list = content.querySelector(".liveop-log-lines");
      const rows = rowsIn(content);
      const [first, last] = [numberOf(rows[0]), numberOf(rows[rows.length - 1])];
      const isAnother = !rows.length || !this.last || Number(list?.dataset.first) > this.last;
      if (!isAnother) {
        if (last <= this.last) return;
        if (first <= this.last + 1) return this.add(content);
        if (!this.isFollowing && this.url) {
          this.unseen += last - this.last;
          Object.assign(this, { last, isDetached: true });
          return this.pages.showEdges(this);
        }
      }
      this.interrupt();
      this.list.replace(content);
      this.watchSize();
      this.settle(0);
      this.refresh();
    }

    /** Empty the log, for its operation is started again. */
    reset() {
      this.interrupt();
      this.list.fill(document.createDocumentFragment());
      this.list.root.dataset.first = 0;
      this.isFollowing = true;
      this.settle(0);
      this.refresh();
    }

    /** Wait for no page any more; give what was pushed while one was fetched. */
    interrupt() {
      this.ticket = null;
      this.region.removeAttribute("aria-busy");
      return this.waiting.splice(0);
    }

    // What stands on the page.

    append(content, known) {
      const first = content.querySelector("[data-n]");
      const gap = first.previousElementSibling;
      const missing = known ? numberOf(first) - known - 1 : 0;
      if (known && gap?.matches("[data-liveop-gap]")) gap.remove();
      const isTold = first.previousElementSibling?.matches(".liveop-log-gap");
      if (missing > 0 && !isTold) this.pages.markGap(this, first, missing);
      this.list.append(content);
      const { dataset } = this.list.root;
      if (!Number(dataset.first)) dataset.first = this.list.first;
      this.pages.offerGaps(this);
    }

    trimStart() {
      const extra = this.list.rows.length - liveops.maxLines;
      if (extra > 0 && this.isFollowing) this.list.dropFirst(extra);
      else if (extra > 0) this.keepPlace(() => this.list.dropFirst(extra));
    }

    trimEnd() {
      const extra = this.list.rows.length - liveops.maxLines;
      if (extra <= 0) return;
      this.list.dropLast(extra);
      this.settle(this.last - this.list.last);
    }

    keepPlace(change) {
      this.list.keepPlace(change);
      this.top = this.region.scrollTop;
    }

    /** Note that so many lines are known after those on the page. */
    settle(later) {
      this.isDetached = later > 0;
      this.last = Math.max(this.isDetached ? this.last : 0, this.list.last + later);
      if (this.isDetached) this.isFollowing = false;
      else this.unseen = 0;
    }

    /** Bring everything around the lines up to date with them. */
    refresh() {
      this.pages.offerGaps(this);
      this.pages.showEdges(this);
      this.tools?.decorate(this);
      this.applied();
    }

    applied() {
      this.list.sync(this.container.querySelector("#op-stages"));
      if (!this.isFollowing) return;
      const isFirst = !due.size;
      due.add(this);
      if (isFirst) window.requestAnimationFrame(showEnds);
    }

    // Where the reader is.

    toEnd(height = this.region.scrollHeight) {
      this.region.scrollTop = height;
      this.top = this.region.scrollTop;
    }

    follow(isFollowing) {
      this.isFollowing = isFollowing;
      this.region.toggleAttribute("data-away", !isFollowing);
    }

    /** See where the reader has gone to: only scrolling up leaves the end. */
    look() {
      const { scrollTop, scrollHeight, clientHeight } = this.region;
      if (this.isPlaced && scrollTop === this.top) return;
      this.isPlaced = false;
      let isFollowing = this.isFollowing && scrollTop >= this.top;
      if (scrollHeight - scrollTop - clientHeight <= SLACK_PX) isFollowing = !this.isDetached;
      else if (isFollowing) this.toEnd(); // it has grown meanwhile
      this.top = this.region.scrollTop;
      this.follow(isFollowing);
    }

    /** Bring a line or a group into view, at a third of the height, and leave the end for it. */
    place(entry) {
      const { region } = this;
      const move = () => {
        const below = entry.getBoundingClientRect().top - region.getBoundingClientRect().top;
        region.scrollTop += below - region.clientHeight / 3;
        this.top = region.scrollTop;
        region.scrollIntoView?.({ block: "nearest" });
      };
      const group = entry.closest("details");
      if (group) group.open = true;
      this.isPlaced = true;
      this.follow(false);
      move();
      // Lines that were out of sight get their true height only now.
      window.requestAnimationFrame?.(() => this.isPlaced && move());
    }

    watchSize() {
      this.sizes?.disconnect();
      [this.region, this.list.root].forEach((element) => this.sizes?.observe(element));
    }

    start() {
      const { region } = this;
      region.addEventListener("scroll", () => this.look());
      region.addEventListener("toggle", () => this.look(), true);
      region.addEventListener("click", ({ target }) => {
        // Whoever opens or closes a group wants to read on there.
        if (target.closest("summary")) this.isFollowing = false;
      });
      this.watchSize();
      this.pages.start(this);
      this.refresh();
      this.tools?.start(this);
    }
  }
  Object.defineProperties(Log.prototype, {
    pages: { get: () => liveops.logPages },
    tools: { get: () => liveops.logTools },
  });

  const logs = /** @type {WeakMap<Element, Log>} */ (new WeakMap());

  /** Look after the log in a container; it may be called as often as you like. */
  function attach(container) {
    const region = container.querySelector("#op-log");
    if (!region || logs.get(container)?.region === region) return;
    logs.set(container, new Log(container, region));
    logs.get(container).start();
  }

  /**
   * Take the log out of a frame and show it.
   * @param {DocumentFragment} content of the frame; edited in place
   * @param {boolean} hold give pushed lines back instead, for use after the snapshot
   * @returns {string[]} what was held back
   */
  function take(container, content, hold) {
    const log = logs.get(container);
    const held = [];
    for (const fragment of Array.from(content.children)) {
      const isAddition = "log" in fragment.dataset;
      if (!isAddition && fragment.id !== "op-log") continue;
      fragment.remove();
      if (isAddition && hold) held.push(fragment.outerHTML);
      else if (isAddition) log?.add(fragment);
      else log?.replace(fragment);
    }
    return held;
  }

  liveops.maxLines = 5000;
  liveops.log = {
    attach,
    take,
    lastLine: (container) => logs.get(container)?.last ?? 0,
    applied: (container) => logs.get(container)?.applied(),
    reset: (container) => logs.get(container)?.reset(),
    of: (container) => logs.get(container),
  };
})();
