// The pure functions of the scripts.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { A, Page, html } from "./page.mjs";

let page;
before(async () => {
  page = await Page.plain("");
});
after(() => page.close());

function filter(markup, shown = {}) {
  const template = page.document.createElement("template");
  template.innerHTML = markup;
  const seqs = new Map(Object.entries(shown));
  page.window.liveops.filterFragments(template.content, seqs);
  return { markup: template.innerHTML, seqs };
}

describe("filterFragments", () => {
  it("keeps what is newer than the page and remembers it", () => {
    const { markup, seqs } = filter(html.region(A, "status", "new", 8), { "op-status": 7 });
    assert.match(markup, />new</);
    assert.equal(seqs.get("op-status"), 8);
  });

  it("keeps what is as new as the page", () => {
    const same = html.region(A, "status", "same", 7);
    assert.match(filter(same, { "op-status": 7 }).markup, /same/);
  });

  it("drops what is older than the page, each region by itself", () => {
    const both = html.region(A, "status", "old", 6) + html.region(A, "progress", "new", 6);
    const { markup, seqs } = filter(both, { "op-status": 7, "op-progress": 5 });
    assert.doesNotMatch(markup, /old/);
    assert.match(markup, /new/);
    assert.deepEqual([...seqs.values()], [7, 6]);
  });

  it("compares numbers, not text", () => {
    const ten = html.region(A, "status", "ten", 10);
    assert.match(filter(ten, { "op-status": 9 }).markup, /ten/);
  });

  it("always keeps fragments without a number", () => {
    const { markup, seqs } = filter(html.region(A, "stages", "steps"), { "op-stages": 99 });
    assert.match(markup, /steps/);
    assert.equal(seqs.get("op-stages"), 99);
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

describe("formatDuration", () => {
  const format = (seconds) => page.window.liveops.formatDuration(seconds);

  it("writes as the server does", () => {
    const shown = [0, 7, 59.4, 59.6, 754, 3723, 86399, 93784, 10 * 86400].map(format);
    assert.deepEqual(shown, [
      "0:00",
      "0:07",
      "0:59",
      "1:00",
      "12:34",
      "1:02:03",
      "23:59:59",
      "1 d 2:03:04",
      "10 d 0:00:00",
    ]);
  });

  it("knows no time before the start", () => {
    assert.deepEqual([-0.4, -1, -99999].map(format), ["0:00", "0:00", "0:00"]);
  });
});
