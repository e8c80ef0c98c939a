// The lines that a server pushes: grouped, none twice, never too many.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { LogPage, gap, group, lines, logContainer, push, row } from "./log-page.mjs";
import { B } from "./page.mjs";

let page;
afterEach(() => page.close());

const states = () =>
  [...page.region.querySelectorAll(".liveop-log-group")].map((one) => [one.dataset.stage, one.open]);

describe("pushed lines", () => {
  it("join the last group if it is of the same stage, else begin one", async () => {
    page = await LogPage.load(lines("", 1, 1) + lines("Load", 2, 3));
    page.take(push.add(lines("Load", 4, 5) + lines("", 6, 6) + lines("Save", 7, 7)));
    page.take(push.add(lines("Save", 8, 8)));
    assert.deepEqual(page.groups, [["", 1], ["Load", 2, 3, 4, 5], ["", 6], ["Save", 7, 8]]);
  });

  it("are shown once, whatever comes twice", async () => {
    page = await LogPage.load(lines("Load", 1, 3));
    page.take(push.add(lines("Load", 2, 5)));
    page.take(push.add(lines("Load", 4, 5)));
    page.take(push.add(lines("Load", 5, 6)));
    assert.deepEqual(page.numbers, [1, 2, 3, 4, 5, 6]);
    assert.equal(page.lastLine, 6);
  });

  it("leave nothing in the frame for others to swap", async () => {
    page = await LogPage.load("");
    const both = push.add(lines("Load", 1, 2)) + `<div id="op-status">busy</div>`;
    assert.equal(page.take(both).left, `<div id="op-status">busy</div>`);
  });

  it("are given back while a snapshot is due, and a whole log is not", async () => {
    page = await LogPage.load(lines("Load", 1, 2));
    const { held, left } = page.take(push.add(lines("Load", 5, 6)), true);
    assert.equal(left, "");
    assert.deepEqual(page.numbers, [1, 2]);
    page.take(push.replace(lines("Load", 1, 5), { first: 1 }), true);
    held.forEach((fragment) => page.take(fragment));
    assert.deepEqual(page.numbers, [1, 2, 3, 4, 5, 6]);
  });

  it("go to their own operation", async () => {
    page = await LogPage.load([logContainer(""), logContainer("", { op: B })]);
    const other = page.document.querySelector(`[data-liveop="${B}"]`);
    const template = page.document.createElement("template");
    template.innerHTML = push.add(lines("Load", 1, 2), B);
    page.window.liveops.log.take(other, template.content, false);
    assert.deepEqual(page.numbers, []);
    assert.equal(page.window.liveops.log.lastLine(other), 2);
  });

  it("stand in lists of a hundred, which a browser can leave out of its layout", async () => {
    page = await LogPage.load("");
    for (let n = 1; n < 250; n += 30) page.take(push.add(lines("Load", n, Math.min(n + 29, 250))));
    const chunks = [...page.region.querySelectorAll("ol")];
    assert.deepEqual(chunks.map((one) => one.children.length), [100, 100, 50]);
    assert.deepEqual(chunks.map((one) => "full" in one.dataset), [true, true, false]);
  });

  it("are lost without harm on a page that shows no log", async () => {
    page = await LogPage.load("");
    page.region.remove();
    assert.equal(page.take(push.add(lines("Load", 1, 2))).left, "");
  });
});

describe("a gap", () => {
  it("is told where lines came too fast, and offered", async () => {
    page = await LogPage.load(lines("Load", 1, 3));
    page.take(push.add(group("Load", [gap("many"), row(40)])));
    assert.deepEqual(page.gaps, ["… 36 lines came too fast to be shown Show"]);
    assert.deepEqual(page.numbers, [1, 2, 3, 40]);
  });

  it("is told also where the server says nothing of it", async () => {
    page = await LogPage.load(lines("Load", 1, 3));
    page.take(push.add(lines("Save", 2_000, 2_001)));
    assert.deepEqual(page.gaps, ["… 1,996 lines came too fast to be shown Show"]);
  });

  it("that the server tells is told once, wherever known lines stood before it", async () => {
    page = await LogPage.load(lines("Load", 1, 3));
    const told = `<li class="liveop-log-gap">… 4 lines are not kept</li>`;
    page.take(push.add(group("Load", [row(2), row(3), told, row(8)])));
    page.take(push.add(group("Load", [row(9), told, row(14)])));
    assert.deepEqual(page.gaps, ["… 4 lines are not kept", "… 4 lines are not kept"]);
    assert.deepEqual(page.numbers, [1, 2, 3, 8, 9, 14]);
  });

  it("goes with the line after it", async () => {
    page = await LogPage.load(lines("Load", 1, 4));
    page.take(push.add(group("Load", [gap("known"), row(4), row(5)])));
    assert.deepEqual(page.gaps, []);
  });

  it("is not offered to somebody who has no access to the log", async () => {
    page = await LogPage.load(lines("Load", 1, 3), { url: "" });
    page.take(push.add(group("Load", [gap("many"), row(40)])));
    assert.deepEqual(page.gaps, ["… 36 lines came too fast to be shown"]);
  });
});

describe("a number of lines", () => {
  const words = { gap: "{n} wierszy", "gap-one": "{n} wiersz", "gap-few": "{n} wiersze" };
  const told = {
    5: "1 wiersz",
    6: "2 wiersze",
    26: "22 wiersze",
    30: "26 wierszy",
    2000: "1\u00a0996 wierszy",
  };

  for (const [next, text] of Object.entries(told)) {
    it(`is told in the plural form of the language: ${text}`, async () => {
      const options = { lang: "pl", words, between: "\u00a0", url: "" };
      page = await LogPage.load(lines("Load", 1, 3), options);
      page.take(push.add(lines("Load", Number(next), Number(next))));
      assert.deepEqual(page.gaps, [text]);
    });
  }

  it("is told in the form for all others where the language has none of its own", async () => {
    page = await LogPage.load(lines("Load", 1, 3), { lang: "ja", words: { gap: "{n}行" }, url: "" });
    page.take(push.add(lines("Load", 5, 5)));
    assert.deepEqual(page.gaps, ["1行"]);
  });
});

describe("a whole log from the server", () => {
  it("brings what is new and leaves the rest alone", async () => {
    page = await LogPage.load(lines("Load", 1, 3, { open: false }));
    const kept = page.row(2);
    page.take(push.replace(lines("Load", 2, 5), { first: 1 }));
    assert.deepEqual(page.numbers, [1, 2, 3, 4, 5]);
    assert.equal(page.row(2), kept);
    assert.deepEqual(states(), [["Load", false]]);
  });

  it("takes the place of lines that are too far behind", async () => {
    page = await LogPage.load(lines("Load", 1, 3));
    page.take(push.replace(lines("Load", 100, 102), { first: 1 }));
    assert.deepEqual(page.numbers, [100, 101, 102]);
    assert.deepEqual(page.edges, ["Show earlier lines (99)"]);
  });

  it("is only counted while the reader is elsewhere", async () => {
    page = await LogPage.load(lines("Load", 1, 30));
    page.scrollTo(0);
    page.take(push.replace(lines("Load", 100, 102), { first: 1 }));
    assert.equal(page.numbers.at(-1), 30);
    assert.equal(page.find("[data-liveop-follow]").textContent, "72 new lines");
    assert.equal(page.lastLine, 102);
  });

  it("takes the place of the log of an earlier run, wherever the reader is", async () => {
    page = await LogPage.load(lines("Load", 1, 30));
    page.scrollTo(0);
    page.take(push.replace(lines("Load", 31, 32), { first: 31 }));
    assert.deepEqual(page.numbers, [31, 32]);
  });

  it("that is older than the page is passed over", async () => {
    page = await LogPage.load(lines("Load", 1, 9));
    page.take(push.replace(lines("Load", 1, 7), { first: 1 }));
    assert.equal(page.numbers.at(-1), 9);
  });

  it("empties the page when there is none any more", async () => {
    page = await LogPage.load(lines("Load", 1, 9));
    page.take(push.replace("", { first: 0 }));
    assert.deepEqual([page.numbers, page.lastLine], [[], 0]);
    page.take(push.add(lines("Load", 10, 11)));
    assert.deepEqual(page.numbers, [10, 11]);
    assert.deepEqual([page.gaps, page.edges], [[], []], "an earlier run's numbers are not missing");
  });
});

describe("starting again", () => {
  it("empties the log, and its lines go on counting", async () => {
    page = await LogPage.load(lines("Load", 1, 30));
    page.scrollTo(0);
    page.window.liveops.log.reset(page.container);
    assert.deepEqual([page.numbers, page.lastLine], [[], 0]);
    page.take(push.add(lines("Load", 31, 32)));
    assert.deepEqual([page.numbers, page.gaps, page.edges], [[31, 32], [], []]);
    assert.ok(page.isAtEnd);
  });
});

describe("groups", () => {
  it("stay as the reader opened or closed them", async () => {
    page = await LogPage.load(lines("Load", 1, 2));
    page.find("details").open = false;
    page.take(push.add(lines("Load", 3, 3) + lines("", 4, 4) + lines("Load", 5, 5) + lines("Save", 6, 6)));
    assert.deepEqual(states(), [["Load", false], ["", undefined], ["Load", false], ["Save", true]]);
  });

  it("show the state of their stage, and the first of a stage has its address", async () => {
    page = await LogPage.load(lines("Load", 1, 2) + lines("", 3, 3) + lines("Load", 4, 4));
    page.find('#op-stages [data-stage="Load"]').dataset.state = "failed";
    page.take(push.add(lines("Save", 5, 5)));
    const icons = [...page.region.querySelectorAll(".liveop-icon")];
    assert.deepEqual(icons.map((one) => one.dataset.state), ["failed", "failed", "active"]);
    const ids = [...page.region.querySelectorAll("details")].map((one) => one.id.slice(-3));
    assert.deepEqual(ids, ["-s0", "", "-s1"]);
  });
});

describe("the end of the log", () => {
  it("is where the page starts, and stays while lines come", async () => {
    page = await LogPage.load(lines("Load", 1, 30));
    assert.ok(page.isAtEnd);
    page.take(push.add(lines("Load", 31, 40)));
    assert.ok(page.isAtEnd);
    assert.ok(!page.region.hasAttribute("data-away"));
  });

  it("is shown once for all frames that come before the page is painted", async () => {
    page = await LogPage.load(lines("Load", 1, 30));
    const paints = [];
    page.window.requestAnimationFrame = (paint) => paints.push(paint);
    for (let n = 31; n < 40; n += 1) page.take(push.add(lines("Load", n, n)));
    assert.deepEqual([paints.length, page.isAtEnd], [1, false]);
    paints[0]();
    assert.ok(page.isAtEnd);
    page.take(push.add(lines("Load", 40, 40)));
    page.scrollTo(200);
    paints[1]();
    assert.equal(page.region.scrollTop, 200, "the reader has left meanwhile");
  });

  it("is left by scrolling up, and followed again from the end", async () => {
    page = await LogPage.load(lines("Load", 1, 30));
    page.scrollTo(200);
    assert.ok(page.region.hasAttribute("data-away"));
    page.take(push.add(lines("Load", 31, 40)));
    assert.equal(page.region.scrollTop, 200);
    page.scrollTo(page.height);
    page.take(push.add(lines("Load", 41, 50)));
    assert.ok(page.isAtEnd);
  });

  it("is not left by lines that turn out to be higher than they seemed", async () => {
    page = await LogPage.load(lines("Load", 1, 30));
    page.region.querySelector("ol").insertAdjacentHTML("beforeend", row(31) + row(32));
    page.region.dispatchEvent(new page.window.Event("scroll"));
    assert.ok(page.isAtEnd);
    assert.ok(!page.region.hasAttribute("data-away"));
  });

  it("is where the button leads", async () => {
    page = await LogPage.load(lines("Load", 1, 30));
    page.scrollTo(0);
    await page.click("[data-liveop-follow]");
    assert.ok(page.isAtEnd);
    assert.equal(page.document.activeElement, page.region, "the button is gone");
  });

  it("is left by whoever opens a group, to read it", async () => {
    page = await LogPage.load(lines("Load", 1, 30) + lines("Save", 31, 40));
    await page.click("summary");
    page.region.scrollTop = 100;
    page.find("details").dispatchEvent(new page.window.Event("toggle"));
    page.take(push.add(lines("Save", 41, 50)));
    assert.equal(page.region.scrollTop, 100);
  });
});

describe("the bound", () => {
  const bounded = async (groups, options) => {
    page = await LogPage.load(groups, options);
    assert.equal(page.window.liveops.maxLines, 5000);
    page.window.liveops.maxLines = 30;
  };

  it("drops the oldest lines while the reader follows the end", async () => {
    await bounded(lines("Load", 1, 20) + lines("Save", 21, 25));
    page.take(push.add(lines("Save", 26, 40)));
    assert.deepEqual([page.numbers[0], page.numbers.at(-1), page.numbers.length], [11, 40, 30]);
    assert.deepEqual(page.edges, ["Show earlier lines (10)"]);
    page.take(push.add(lines("Save", 41, 55)));
    assert.deepEqual(page.groups.map(([stage, first]) => [stage, first]), [["Save", 26]]);
    assert.ok(page.isAtEnd);
  });

  it("counts new lines while the reader is elsewhere, and moves nothing", async () => {
    await bounded(lines("Load", 1, 28));
    page.scrollTo(100);
    page.take(push.add(lines("Load", 29, 31)));
    assert.equal(page.numbers.at(-1), 30);
    assert.equal(page.find("[data-liveop-follow]").textContent, "1 new line");
    page.take(push.add(lines("Load", 32, 40)));
    page.take(push.add(lines("Save", 1_264, 1_264)));
    assert.deepEqual([page.numbers.length, page.region.scrollTop], [30, 100]);
    assert.equal(page.find("[data-liveop-follow]").textContent, "1,234 new lines");
    assert.equal(page.lastLine, 1_264, "what was counted is not asked for again");
  });

  it("does not follow an end that is not the log's", async () => {
    await bounded(lines("Load", 1, 28));
    page.scrollTo(100);
    page.take(push.add(lines("Load", 29, 40)));
    page.scrollTo(page.height);
    assert.ok(page.region.hasAttribute("data-away"));
    page.take(push.add(lines("Load", 41, 42)));
    assert.equal(page.numbers.at(-1), 30);
  });

  it("drops the oldest lines in any case where none can be fetched again", async () => {
    await bounded(lines("Load", 1, 28), { url: "" });
    page.scrollTo(400);
    const { seen } = page;
    page.take(push.add(lines("Load", 29, 40)));
    assert.deepEqual([page.numbers[0], page.numbers.at(-1)], [11, 40]);
    assert.equal(page.seen, seen, "what is read stays in its place");
    assert.deepEqual(page.edges, ["Earlier lines are not shown (10)"]);
  });

  it("keep what their stage ended as, unless it goes on in them", async () => {
    page = await LogPage.load(lines("Load", 1, 2));
    const step = page.find('#op-stages [data-stage="Load"]').dataset;
    const icons = () =>
      [...page.region.querySelectorAll(".liveop-icon")].map((one) => one.dataset.state);
    step.state = "failed";
    page.take(push.add(lines("", 3, 3)));
    assert.deepEqual(icons(), ["failed"]);
    step.state = "active"; // it was resumed
    page.take(push.add(lines("Load", 4, 4)));
    assert.deepEqual(icons(), ["failed", "active"]);
    step.state = "done";
    page.take(push.add(lines("Load", 5, 5)));
    assert.deepEqual(icons(), ["failed", "done"]);
    step.state = "active"; // it was entered again
    page.take(push.add(lines("Load", 6, 6)));
    assert.deepEqual(icons(), ["failed", "active"]);
  });
});
