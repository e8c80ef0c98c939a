// The pure functions of liveops.js.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { A, Page, html, line, lines } from "./page.mjs";

let page;
before(async () => {
  page = await Page.load("");
});
after(() => page.close());

function filter(markup, { seqs = {}, lastLine = 0, hold = false } = {}) {
  const template = page.document.createElement("template");
  template.innerHTML = markup;
  const shown = { seqs: new Map(Object.entries(seqs)), lastLine };
  const held = page.window.liveops.filterFragments(template.content, shown, hold);
  const numbers = Array.from(template.content.querySelectorAll("li"), (li) => li.dataset.n);
  return { markup: template.innerHTML, numbers, held: [...held], shown };
}

describe("filterFragments", () => {
  it("keeps what is newer than the page and remembers it", () => {
    const { markup, shown } = filter(html.region(A, "status", "new", 8), {
      seqs: { "op-status": 7 },
    });
    assert.match(markup, />new</);
    assert.equal(shown.seqs.get("op-status"), 8);
  });

  it("keeps what is as new as the page", () => {
    assert.match(filter(html.region(A, "status", "same", 7), { seqs: { "op-status": 7 } }).markup, /same/);
  });

  it("drops what is older than the page, each region by itself", () => {
    const both = html.region(A, "status", "old", 6) + html.region(A, "progress", "new", 6);
    const { markup, shown } = filter(both, { seqs: { "op-status": 7, "op-progress": 5 } });
    assert.doesNotMatch(markup, /old/);
    assert.match(markup, /new/);
    assert.deepEqual([...shown.seqs.values()], [7, 6]);
  });

  it("compares numbers, not text", () => {
    assert.match(filter(html.region(A, "status", "ten", 10), { seqs: { "op-status": 9 } }).markup, /ten/);
  });

  it("always keeps fragments without a number", () => {
    const { markup } = filter(html.region(A, "stages", "steps"), { seqs: { "op-stages": 99 } });
    assert.match(markup, /steps/);
  });

  it("drops log lines that are shown already", () => {
    const { numbers, shown } = filter(html.append(A, lines(3, 6)), { lastLine: 4 });
    assert.deepEqual(numbers, ["5", "6"]);
    assert.equal(shown.lastLine, 6);
  });

  it("drops a list of which no line is new", () => {
    assert.equal(filter(html.append(A, lines(3, 4)), { lastLine: 4 }).markup, "");
  });

  it("keeps a mark of skipped lines only together with the line after it", () => {
    const mark = "<li>many lines are not shown</li>";
    const known = filter(html.append(A, mark + line(4) + line(5)), { lastLine: 4 });
    assert.deepEqual(known.numbers, ["5"]);
    const fresh = filter(html.append(A, line(4) + mark + line(9)), { lastLine: 4 });
    assert.deepEqual(fresh.numbers, [undefined, "9"]);
  });

  it("counts anew from a log that replaces the one shown", () => {
    const { numbers, shown } = filter(
      html.replace(A, lines(1, 2)) + html.append(A, lines(2, 3)),
      { lastLine: 900 },
    );
    assert.deepEqual(numbers, ["1", "2", "3"]);
    assert.equal(shown.lastLine, 3);
  });

  it("counts from 0 where the log is emptied", () => {
    assert.equal(filter(html.replace(A, ""), { lastLine: 900 }).shown.lastLine, 0);
  });

  it("holds appended lines back, and nothing else", () => {
    const appended = html.append(A, lines(5, 6));
    const { markup, held } = filter(html.region(A, "status", "new", 1) + appended, { hold: true });
    assert.match(markup, /new/);
    assert.doesNotMatch(markup, /data-log/);
    assert.equal(held.length, 1);
    assert.match(held[0], /data-n="6"/);
  });
});

describe("reconnectDelay", () => {
  const delay = (failures, random) => page.window.liveops.reconnectDelay(failures, () => random);

  it("stays between half a second and 30 seconds, for ever", () => {
    for (const failures of [1, 2, 5, 10, 100, 100000]) {
      for (const random of [0, 0.5, 0.999999]) {
        const ms = delay(failures, random);
        assert.ok(ms >= 500 && ms <= 30000, `${failures} failures: ${ms} ms`);
      }
    }
  });

  it("doubles its ceiling with each failure until it is capped", () => {
    assert.deepEqual([1, 2, 3, 6, 7].map((n) => delay(n, 1)), [1000, 2000, 4000, 30000, 30000]);
  });

  it("spreads over the whole range", () => {
    assert.equal(delay(6, 0), 500);
    assert.equal(delay(6, 0.5), 15250);
  });
});

describe("titleMark", () => {
  const mark = (...states) => page.window.liveops.titleMark(states);

  it("says nothing while something runs", () => {
    assert.equal(mark("FINISHED_ERROR", "STARTED"), "");
    assert.equal(mark("NOT_STARTED"), "");
  });

  it("tells the worst outcome", () => {
    assert.equal(mark("FINISHED_OK", "FINISHED_OK"), "✓");
    assert.equal(mark("FINISHED_OK", "CANCELLED"), "⊘");
    assert.equal(mark("INTERRUPTED"), "⊘");
    assert.equal(mark("CANCELLED", "FINISHED_ERROR"), "✗");
  });
});
