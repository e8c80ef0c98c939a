/**
 * The lines of one log on the page: one stretch without holes, in groups of one stage each.
 * It knows the document only; what comes and goes, and when, is decided in liveops-log.js.
 */
(function () {
  "use strict";
  const { liveops } = window;

  const numberOf = (row) => Number(row?.dataset.n ?? 0);
  const rowsIn = (root) => root.querySelectorAll("[data-n]");
  const groupsIn = (root) => [...root.querySelectorAll(".liveop-log-group")];
  const chunksIn = (group) => [...group.querySelectorAll("ol")];
  const isGap = (entry) => Boolean(entry?.matches(".liveop-log-gap"));
  const ENDED = ["done", "failed", "cancelled", "interrupted", "skipped"];
  const CHUNK = 100; // lines that the browser leaves out of its layout together

  /** Remove lines; a gap goes with the line after it, chunk and group with their last line. */
  function removeRows(rows) {
    const touched = new Set();
    for (const row of rows) {
      touched.add(row.closest("ol")).add(row.closest(".liveop-log-group"));
      while (isGap(row.previousElementSibling)) row.previousElementSibling.remove();
      row.remove();
    }
    for (const parent of touched) {
      parent?.removeAttribute("data-full");
      if (parent && !parent.querySelector("[data-n]")) parent.remove();
    }
  }

  /** Let a group follow the state of its stage anew, for the stage goes on in it. */
  function goOn(group) {
    const icon = group.querySelector(".liveop-icon");
    if (icon && ENDED.includes(icon.dataset.state)) icon.dataset.state = "pending";
  }

  /** Move a group's entries to the end of another; a gap stays with the line after it. */
  function merge(group, into) {
    goOn(into);
    let chunk = chunksIn(into).pop();
    for (const entry of chunksIn(group).flatMap((one) => [...one.children])) {
      if (chunk.children.length >= CHUNK && !isGap(chunk.lastElementChild)) {
        chunk.setAttribute("data-full", "");
        chunk.after((chunk = document.createElement("ol")));
      }
      chunk.append(entry);
    }
  }

  class List {
    /**
     * @param {Element} region `#op-log`; its content is replaced as a whole now and then
     * @param {string} pk the operation, for the ids of groups
     */
    constructor(region, pk) {
      Object.assign(this, { region, pk });
    }

    get root() {
      return this.region.querySelector(".liveop-log-lines") ?? this.region;
    }

    get rows() {
      return rowsIn(this.region);
    }

    get first() {
      return numberOf(this.region.querySelector("[data-n]"));
    }

    get last() {
      const { rows } = this;
      return numberOf(rows[rows.length - 1]);
    }

    row(number) {
      return this.region.querySelector(`[data-n="${number}"]`);
    }

    /** Show lines below the others; where the stage goes on, its last group takes them in. */
    append(content) {
      const groups = groupsIn(content);
      if (!groups.length) this.root.append(...content.childNodes); // a site's own template
      for (const group of groups) {
        const end = groupsIn(this.root).pop();
        if (end && end.dataset.stage === group.dataset.stage) {
          merge(group, end);
          continue;
        }
        this.inherit(group);
        if (end) end.after(group);
        else this.root.append(group);
      }
    }

    /** Show lines above the others, opened, for somebody asked for them. */
    prepend(content) {
      for (const group of groupsIn(content).reverse()) {
        const start = groupsIn(this.root)[0];
        if (start && start.dataset.stage === group.dataset.stage) {
          chunksIn(start)[0].before(...chunksIn(group));
          start.open = true;
        } else if (start) start.before(group);
        else this.root.append(group);
      }
    }

    /** Show these lines and no others. */
    fill(content) {
      const groups = groupsIn(content);
      groups.forEach((group) => this.inherit(group));
      groupsIn(this.root).forEach((group) => group.remove());
      this.root.append(...groups);
    }

    /** Take a whole region as the server rendered it. */
    replace(content) {
      groupsIn(content).forEach((group) => this.inherit(group));
      this.region.replaceChildren(...content.childNodes);
    }

    /** Have a group opened or closed as the reader has others of its stage. */
    inherit(group) {
      const { stage } = group.dataset;
      const same = groupsIn(this.root).filter((one) => one.dataset.stage === stage);
      if (same.length) group.open = same[same.length - 1].open;
    }

    /** Take out a gap and all that stands behind it: the rest of its group, the groups after it. */
    cut(gap) {
      const content = document.createDocumentFragment();
      const groups = groupsIn(this.root);
      const group = gap.closest(".liveop-log-group");
      const rest = group.cloneNode(false);
      const chunk = gap.closest("ol");
      const chunks = chunksIn(group);
      rest.append(...[...group.querySelectorAll("summary")].map((one) => one.cloneNode(true)));
      rest.append(document.createElement("ol"));
      while (gap.nextElementSibling) rest.lastElementChild.append(gap.nextElementSibling);
      rest.append(...chunks.slice(chunks.indexOf(chunk) + 1));
      chunk.removeAttribute("data-full");
      gap.remove();
      if (!chunk.querySelector("[data-n]")) chunk.remove();
      if (!group.querySelector("[data-n]")) group.remove();
      content.append(rest, ...groups.slice(groups.indexOf(group) + 1));
      return content;
    }

    /** Drop so many of the oldest lines. */
    dropFirst(count) {
      removeRows([...this.rows].slice(0, count));
    }

    /** Drop so many of the newest lines, and a gap that would be the end then. */
    dropLast(count) {
      removeRows([...this.rows].slice(-count));
      const entries = this.region.querySelectorAll("li");
      for (const entry of [...entries].reverse()) {
        if (!isGap(entry)) break;
        entry.remove();
      }
    }

    /** Change what is above the reader without moving what they read. */
    keepPlace(change) {
      const { region } = this;
      const top = region.getBoundingClientRect().top;
      const isSeen = (box) => box.height && box.bottom > top;
      // A heading may stick to the top, so it is what to go by only where all lines are folded away.
      const entries = [...this.rows, ...region.querySelectorAll("summary")];
      const anchor = entries.find((entry) => isSeen(entry.getBoundingClientRect()));
      const before = anchor?.getBoundingClientRect().top;
      change();
      if (!anchor?.isConnected) return;
      region.scrollTop += anchor.getBoundingClientRect().top - before;
    }

    /**
     * Give the groups the states of the stepper, and the first of each stage its address. What has
     * ended stays as it ended: in a resume the stage has a group of its own.
     */
    sync(stepper) {
      const states = new Map();
      for (const { dataset } of stepper?.querySelectorAll("[data-stage]") ?? []) {
        states.set(dataset.stage, dataset.state);
      }
      const taken = new Set();
      for (const group of groupsIn(this.root)) {
        const { stage, index } = group.dataset;
        const icon = group.querySelector(".liveop-icon");
        const state = states.get(stage);
        const follows = icon && state && !ENDED.includes(icon.dataset.state);
        if (follows && icon.dataset.state !== state) icon.dataset.state = state;
        const id = index === undefined || taken.has(index) ? "" : `op-${this.pk}-s${index}`;
        if (group.id !== id) group.id = id;
        if (!id) group.removeAttribute("id");
        taken.add(index);
      }
    }
  }

  liveops.LogList = List;
  Object.assign(List, { numberOf, rowsIn, removeRows });
})();
