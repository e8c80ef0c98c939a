// The parts of a log that are fetched: earlier and later lines, the end, what came too fast.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { LogPage, LogServer, gap, group, lines, push, row } from "./log-page.mjs";
import { settled } from "./page.mjs";

let page;
afterEach(() => page.close());

const EARLIER = ".liveop-log-edge:not([data-later]) button";
const LATER = ".liveop-log-edge[data-later] button";
const JUMP = "[data-liveop-follow]";

/** A page with a bound of 30 lines. */
async function open(groups, options) {
  page = await LogPage.load(groups, options);
  page.window.liveops.maxLines = 30;
}

/** Let the server answer when the test says so. */
function slow() {
  const { answer } = page.server;
  let go;
  const gate = new Promise((resolve) => (go = resolve));
  page.server.answer = async (url) => {
    await gate;
    return answer(url);
  };
  return async () => {
    go();
    await settled();
  };
}

describe("earlier lines", () => {
  it("are offered with their number, fetched, and put above", async () => {
    await open(lines("Load", 41, 50));
    assert.deepEqual(page.edges, ["Show earlier lines (40)"]);
    page.scrollTo(0);
    await page.click(EARLIER);
    assert.deepEqual(page.server.asked, [{ before: "41" }]);
    assert.deepEqual(page.groups, [["Load", ...Array.from({ length: 20 }, (_, i) => 31 + i)]]);
    assert.deepEqual(page.edges, ["Show earlier lines (30)"]);
  });

  it("do not move what the reader reads", async () => {
    await open(lines("Load", 41, 60));
    page.scrollTo(60);
    const { seen } = page;
    await page.click(EARLIER);
    assert.equal(page.numbers[0], 31);
    assert.equal(page.seen, seen);
  });

  it("push the newest out at the bound, and those come back on demand", async () => {
    await open(lines("Load", 41, 65), { server: new LogServer(65) });
    page.scrollTo(0);
    await page.click(EARLIER);
    assert.deepEqual([page.numbers[0], page.numbers.at(-1), page.numbers.length], [31, 60, 30]);
    assert.deepEqual(page.edges, ["Show earlier lines (30)", "Show later lines (5)"]);
    assert.equal(page.find(JUMP).textContent, "Jump to the end", "they are not new");
    page.scrollTo(page.height);
    await page.click(LATER);
    assert.deepEqual([page.numbers[0], page.numbers.at(-1)], [36, 65]);
    assert.deepEqual(page.edges, ["Show earlier lines (35)"]);
    page.scrollTo(page.height);
    page.take(push.add(lines("Load", 66, 67)));
    assert.equal(page.numbers.at(-1), 67, "the end is here again, and followed");
  });

  it("open the group that they go to", async () => {
    await open(lines("Load", 41, 50, { open: false }));
    await page.click(EARLIER);
    assert.ok(page.find("details").open);
  });

  it("are no longer offered at the beginning", async () => {
    await open(lines("Load", 8, 20), { server: new LogServer(20) });
    page.find(EARLIER).focus();
    await page.click(EARLIER);
    assert.equal(page.numbers[0], 1);
    assert.deepEqual(page.edges, []);
    assert.equal(page.document.activeElement, page.region, "the button is gone");
  });

  it("that the server has no more are told of", async () => {
    const server = new LogServer(50);
    server.kept = (n) => n > 45;
    await open(lines("Load", 46, 50), { server, first: 46, pruned: true });
    assert.deepEqual(page.edges, ["Earlier lines are not kept"]);
  });

  it("that were deleted meanwhile are no longer offered", async () => {
    const server = new LogServer(50);
    server.kept = (n) => n > 40;
    await open(lines("Load", 41, 50), { server });
    await page.click(EARLIER);
    assert.equal(page.numbers[0], 41);
    assert.deepEqual(page.edges, []);
  });

  it("are fetched in spite of what is pushed meanwhile, which follows", async () => {
    await open(lines("Load", 41, 50));
    const answer = slow();
    await page.click(EARLIER);
    assert.equal(page.region.getAttribute("aria-busy"), "true");
    page.take(push.add(lines("Load", 51, 52)));
    assert.equal(page.numbers.at(-1), 50);
    await answer();
    assert.deepEqual([page.numbers[0], page.numbers.at(-1)], [31, 52]);
    assert.equal(page.region.getAttribute("aria-busy"), null);
  });

  it("that come too late, when the log is another, are passed over", async () => {
    await open(lines("Load", 41, 50));
    const answer = slow();
    await page.click(EARLIER);
    page.window.liveops.log.reset(page.container);
    page.take(push.add(lines("Load", 51, 52)));
    await answer();
    assert.deepEqual(page.numbers, [51, 52]);
  });

  it("that cannot be had are said to be so, and may be asked for again", async () => {
    await open(lines("Load", 41, 50));
    const { answer } = page.server;
    page.server.answer = () => Promise.resolve({ ok: false, status: 404 });
    await page.click(EARLIER);
    assert.equal(page.find(".liveop-log-matches").textContent, "That did not work");
    page.server.answer = answer;
    await page.click(EARLIER);
    assert.equal(page.find(".liveop-log-matches").textContent, "");
    assert.equal(page.numbers[0], 31);
  });

  it("are only counted for somebody who has no access to the log", async () => {
    await open(lines("Load", 41, 50), { url: "" });
    assert.deepEqual(page.edges, ["Earlier lines are not shown (40)"]);
    assert.equal(page.find(EARLIER), null);
  });
});

describe("the jump to the end", () => {
  it("fetches the end, where more has come than the page holds", async () => {
    await open(lines("Load", 1, 30));
    page.scrollTo(0);
    page.take(push.add(lines("Load", 31, 35)));
    page.server.last = 35;
    await page.click(JUMP);
    assert.deepEqual(page.server.asked, [{}]);
    assert.deepEqual([page.numbers[0], page.numbers.at(-1)], [26, 35]);
    assert.deepEqual(page.edges, ["Show earlier lines (25)"]);
    assert.equal(page.find(JUMP).textContent, "Jump to the end");
    page.take(push.add(lines("Load", 36, 37)));
    assert.ok(page.isAtEnd);
    assert.equal(page.lastLine, 37);
  });

  it("loses nothing that is pushed meanwhile, and shows nothing twice", async () => {
    await open(lines("Load", 1, 30));
    page.scrollTo(0);
    page.take(push.add(lines("Load", 31, 35)));
    page.server.last = 37;
    const answer = slow();
    await page.click(JUMP);
    page.take(push.add(lines("Load", 36, 37)));
    page.take(push.add(lines("Load", 38, 39)));
    await answer();
    assert.deepEqual(page.numbers, [28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
    assert.deepEqual(page.gaps, []);
  });

  it("asks nobody where the end is on the page", async () => {
    await open(lines("Load", 1, 30));
    page.scrollTo(0);
    await page.click(JUMP);
    assert.deepEqual(page.server.asked, []);
  });
});

describe("what came too fast", () => {
  const flood = async (server) => {
    await open(lines("Load", 1, 3), { server });
    page.take(push.add(group("Load", [gap("many"), row(10), row(11)]) + lines("Save", 12, 12)));
  };

  it("is fetched and put in its place", async () => {
    await flood(new LogServer(12));
    page.find(".liveop-log-gap button").focus();
    await page.click(".liveop-log-gap button");
    assert.equal(page.document.activeElement, page.region, "the button is gone");
    assert.deepEqual(page.server.asked, [{ after: "3" }]);
    assert.deepEqual(page.groups, [["Load", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], ["Save", 12]]);
    assert.deepEqual(page.gaps, []);
  });

  it("may be of other stages", async () => {
    const server = new LogServer(12);
    server.stageOf = (n) => (n > 4 && n < 8 ? "Save" : "Load");
    await flood(server);
    await page.click(".liveop-log-gap button");
    const groups = [["Load", 1, 2, 3, 4], ["Save", 5, 6, 7], ["Load", 8, 9, 10, 11], ["Save", 12]];
    assert.deepEqual(page.groups, groups);
  });

  it("is fetched a page at a time", async () => {
    await open(lines("Load", 1, 3), { server: new LogServer(30) });
    page.take(push.add(group("Load", [gap("many"), row(20)])));
    await page.click(".liveop-log-gap button");
    assert.deepEqual([page.numbers.at(-2), page.gaps], [13, ["… 6 lines came too fast to be shown Show"]]);
    await page.click(".liveop-log-gap button");
    assert.deepEqual([page.numbers.length, page.gaps], [20, []]);
  });

  it("and is not kept either, is said to be lost", async () => {
    const server = new LogServer(12);
    server.kept = (n) => n < 6 || n > 9;
    await flood(server);
    await page.click(".liveop-log-gap button");
    assert.deepEqual(page.numbers, [1, 2, 3, 4, 5, 10, 11, 12]);
    assert.deepEqual(page.gaps, ["… 4 lines are not kept"]);
  });
});
