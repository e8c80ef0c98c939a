// What a reader does with a log: search, link to lines, see the times, go to a stage.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { LogPage, LogServer, lines, logContainer, push } from "./log-page.mjs";
import { A, B, settled } from "./page.mjs";

let page;
afterEach(() => page.close());

const marked = () => page.numbers.filter((n) => "marked" in page.row(n).dataset);
const status = () => page.find(".liveop-log-matches").textContent;
const hash = () => page.window.location.hash;
const open = async (groups, options) => {
  page = await LogPage.load(groups, options);
};

describe("a search", () => {
  const found = () => page.numbers.filter((n) => "match" in page.row(n).dataset);
  const current = () => page.numbers.filter((n) => page.row(n).dataset.match === "current");
  const server = () => {
    const one = new LogServer(100);
    one.textOf = (n) => (n % 20 === 0 ? `Needle ${n} needle` : `line ${n}`);
    return one;
  };

  it("asks the server, marks what it found, and goes to the first", async () => {
    await open(lines("Load", 91, 100), { server: server() });
    await page.search("Needle");
    assert.deepEqual(page.server.asked, [{ q: "Needle" }, { around: "20" }]);
    assert.equal(status(), "1 of 3+");
    assert.deepEqual([found(), current(), marked()], [[20], [20], [20]]);
    const marks = [...page.row(20).querySelectorAll("mark")];
    assert.deepEqual(marks.map((one) => one.textContent), ["Needle", "needle"]);
    assert.equal(page.row(20).querySelector(".liveop-text").textContent, "Info Needle 20 needle");
    assert.equal(hash(), "#L20");
    assert.ok(page.region.hasAttribute("data-away"));
  });

  it("goes on by Enter and the buttons, back by Shift and Enter, and round", async () => {
    const needles = server();
    needles.last = 60;
    await open(lines("Load", 51, 60), { server: needles });
    await page.search("Needle");
    assert.equal(status(), "1 of 3");
    await page.press("Enter");
    assert.deepEqual([status(), current(), hash()], ["2 of 3", [40], "#L40"]);
    await page.click('[data-liveop-match="1"]');
    assert.equal(status(), "3 of 3");
    await page.click('[data-liveop-match="1"]');
    assert.equal(status(), "1 of 3");
    await page.press("Enter", { shiftKey: true });
    assert.equal(status(), "3 of 3");
    await page.click('[data-liveop-match="-1"]');
    assert.deepEqual([status(), current()], ["2 of 3", [40]]);
  });

  it("gets further matches where there are more", async () => {
    await open(lines("Load", 91, 100), { server: server() });
    await page.search("Needle");
    for (const expected of ["2 of 3+", "3 of 3+", "4 of 5", "5 of 5"]) {
      await page.press("Enter");
      assert.equal(status(), expected);
    }
    assert.ok(page.server.asked.some(({ q, after }) => q === "Needle" && after === "60"));
  });

  it("opens the group that a match is in", async () => {
    await open(lines("Load", 15, 25, { open: false }), { server: server() });
    await page.search("Needle");
    assert.ok(page.find("details").open);
    assert.deepEqual(page.server.asked.length, 1, "the line is on the page");
  });

  it("begins by itself when somebody who types pauses, once", async () => {
    await open(lines("Load", 91, 100), { server: server() });
    await page.type("Ne");
    await page.timers.advance(200);
    await page.type("Needle");
    await page.timers.advance(299);
    assert.deepEqual([page.server.asked, status()], [[], ""]);
    await page.timers.advance(1);
    assert.deepEqual(page.server.asked[0], { q: "Needle" });
    assert.equal(status(), "1 of 3+");
    await page.type("Needle ");
    await page.timers.advance(1000);
    assert.equal(status(), "1 of 3+", "it is the same text");
    await page.press("Enter");
    assert.equal(status(), "2 of 3+");
  });

  it("by Enter does not wait, nor ask again", async () => {
    await open(lines("Load", 91, 100), { server: server() });
    await page.type("Needle");
    await page.press("Enter");
    await page.timers.advance(1000);
    assert.equal(status(), "1 of 3+");
    assert.equal(page.server.asked.filter(({ q }) => q).length, 1);
  });

  it("waits for more than one letter, and for the end of a composition", async () => {
    await open(lines("Load", 91, 100), { server: server() });
    await page.type("N");
    await page.timers.advance(1000);
    await page.type("Ne", { isComposing: true });
    await page.timers.advance(1000);
    assert.deepEqual(page.server.asked, []);
    page.find(".liveop-log-query").dispatchEvent(new page.window.Event("compositionend"));
    await page.timers.advance(1000);
    assert.deepEqual(page.server.asked[0], { q: "Ne" });
  });

  it("that was given up before it began never does", async () => {
    await open(lines("Load", 91, 100), { server: server() });
    await page.type("Needle");
    await page.press("Escape");
    await page.timers.advance(1000);
    assert.deepEqual([page.server.asked, status()], [[], ""]);
  });

  it("says that there is nothing", async () => {
    await open(lines("Load", 91, 100));
    await page.search("straw");
    assert.equal(status(), "Nothing found");
    assert.ok(page.find("[data-liveop-match]").disabled);
    assert.equal(hash(), "");
  });

  it("ends with Escape or an empty input, and leaves the lines as they were", async () => {
    await open(lines("Load", 91, 100), { server: server() });
    const before = page.row(95).outerHTML;
    await page.search("line 95");
    assert.equal(page.region.querySelectorAll("mark").length, 1);
    await page.press("Escape");
    assert.deepEqual([status(), found(), page.region.querySelectorAll("mark").length], ["", [], 0]);
    page.row(95).removeAttribute("data-marked"); // it is still what the address names
    assert.equal(page.row(95).outerHTML, before);
    assert.equal(page.row(95).querySelector(".liveop-text").childNodes.length, 2);
    assert.equal(page.find(".liveop-log-query").value, "");
    await page.search("line 95");
    page.find(".liveop-log-query").value = "";
    page.find(".liveop-log-query").dispatchEvent(new page.window.Event("input"));
    assert.equal(status(), "");
  });

  it("for another text begins anew, and counts what has come since", async () => {
    const growing = server();
    await open(lines("Load", 91, 100), { server: growing });
    await page.search("line 9");
    await page.search("Needle 1");
    assert.deepEqual([status(), found()], ["1 of 1", [100]]);
    growing.last = 120;
    page.take(push.add(lines("Load", 101, 119)));
    await page.search("Needle 12");
    assert.equal(status(), "1 of 1");
  });

  it("that fails says so", async () => {
    await open(lines("Load", 91, 100));
    page.server.answer = () => Promise.reject(new Error("no network"));
    await page.search("line");
    assert.equal(status(), "That did not work");
  });
});

describe("the address of a line", () => {
  it("opens the page at the line, which is marked, and not at the end", async () => {
    await open(lines("Load", 1, 30, { open: false }), { path: `/live/${A}/#L12` });
    assert.deepEqual(marked(), [12]);
    assert.ok(page.find("details").open);
    assert.ok(page.region.hasAttribute("data-away"));
    assert.equal(page.seen, 10, "at a third of the height");
    page.take(push.add(lines("Load", 31, 33)));
    assert.equal(page.seen, 10);
    assert.deepEqual(page.server.asked, []);
  });

  it("fetches the lines around it", async () => {
    await open(lines("Load", 991, 1000), { path: `/live/${A}/#L12` });
    assert.deepEqual(page.server.asked, [{ around: "12" }]);
    assert.deepEqual(marked(), [12]);
    assert.deepEqual(page.edges, ["Show earlier lines (6)", "Show later lines (984)"]);
    page.take(push.add(lines("Load", 1_001, 1_005)));
    assert.equal(page.find("[data-liveop-follow]").textContent, "5 new lines");
    assert.ok(!page.numbers.includes(1_001), "it would not follow on what is shown");
  });

  it("may name several lines", async () => {
    await open(lines("Load", 1, 30), { path: `/live/${A}/#L5-L9` });
    assert.deepEqual(marked(), [5, 6, 7, 8, 9]);
  });

  it("of a line that is gone leads to the next", async () => {
    const server = new LogServer(30);
    server.kept = (n) => n > 20;
    await open(lines("Load", 21, 30), { server, path: `/live/${A}/#L3` });
    assert.deepEqual([marked(), page.numbers[0], page.isAtEnd], [[], 21, false]);
  });

  it("is followed when it changes", async () => {
    await open(lines("Load", 1, 30));
    page.window.location.hash = "#L7";
    page.window.dispatchEvent(new page.window.HashChangeEvent("hashchange"));
    await settled();
    assert.deepEqual(marked(), [7]);
  });

  it("is set by a click on its number, and nothing jumps", async () => {
    await open(lines("Load", 1, 30));
    page.scrollTo(100);
    const entries = page.window.history.length;
    const event = await page.click(page.row(12).querySelector("a"));
    assert.ok(event.defaultPrevented);
    assert.deepEqual([hash(), marked(), page.region.scrollTop], ["#L12", [12], 100]);
    assert.equal(page.window.history.length, entries);
    await page.click(page.row(9).querySelector("a"), { shiftKey: true });
    assert.deepEqual([hash(), marked()], ["#L9-L12", [9, 10, 11, 12]]);
  });

  it("is that of the first operation on a page", async () => {
    await open([logContainer(lines("Load", 1, 30)), logContainer(lines("Load", 1, 30), { op: B })], {
      path: "/several/#L12",
    });
    assert.deepEqual(marked(), [12]);
    const other = page.document.querySelector(`[data-liveop="${B}"]`);
    assert.equal(other.querySelector("[data-marked]"), null);
    await page.click(other.querySelector('[data-n="3"] a'));
    assert.equal(other.querySelector("[data-marked]").dataset.n, "3");
    assert.equal(hash(), "#L12");
  });

  it("stays on the line when its surroundings are fetched anew", async () => {
    await open(lines("Load", 991, 1000), { path: `/live/${A}/#L12` });
    await page.click(".liveop-log-edge:not([data-later]) button");
    assert.deepEqual(marked(), [12]);
  });
});

describe("times", () => {
  const shown = () => page.region.hasAttribute("data-times");
  const button = () => page.find("[data-liveop-times]");

  it("are shown on demand, and again on the next page", async () => {
    await open(lines("Load", 1, 30));
    assert.deepEqual([shown(), button().getAttribute("aria-pressed")], [false, "false"]);
    await page.click(button());
    assert.deepEqual([shown(), button().getAttribute("aria-pressed")], [true, "true"]);
    const stored = page.window.localStorage.getItem("liveops.times");
    page.close();
    await open(lines("Load", 1, 30), { stored: { "liveops.times": stored } });
    assert.deepEqual([shown(), button().getAttribute("aria-pressed")], [true, "true"]);
    await page.click(button());
    assert.equal(shown(), false);
    assert.ok(!page.window.localStorage.getItem("liveops.times"));
  });

  it("are shown where the browser keeps nothing, too", async () => {
    await open(lines("Load", 1, 30), { storage: false });
    await page.click(button());
    assert.ok(shown());
  });
});

describe("a click on a stage", () => {
  const step = (stage) => page.find(`#op-stages [data-stage="${stage}"] a`);

  it("opens its lines and brings them into view", async () => {
    await open(lines("Load", 1, 30) + lines("Save", 31, 90, { open: false }));
    page.find("details").open = false;
    const event = await page.click(step("Save"));
    const save = page.region.querySelector('[data-stage="Save"]');
    assert.ok(event.defaultPrevented);
    assert.ok(save.open);
    assert.equal(page.document.activeElement, save.querySelector("summary"));
    assert.ok(page.region.hasAttribute("data-away"));
  });

  it("fetches its beginning if that is not on the page", async () => {
    const server = new LogServer(100);
    server.stageOf = (n) => (n < 41 ? "Load" : "Save");
    await open(lines("Save", 91, 100), { server });
    await page.click(step("Load"));
    assert.deepEqual(server.asked.at(-1), { stage: "Load" });
    assert.equal(page.numbers[0], 1);
    await page.click(step("Save"));
    assert.deepEqual(server.asked.at(-1), { stage: "Save" });
    assert.ok(page.numbers.includes(41));
  });

  it("does nothing for one that has logged nothing", async () => {
    await open(lines("Load", 1, 30), { server: new LogServer(30) });
    await page.click(step("Save"));
    assert.deepEqual([page.numbers.length, page.isAtEnd], [30, true]);
  });
});
