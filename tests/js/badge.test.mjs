// The badge on the page of the very operation that it names.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { badge, frame, newBadge, words } from "./overview.mjs";
import { A, B, Page, container, html } from "./page.mjs";

let page;

const newest = (pk, percent) =>
  words("1 running") +
  `<a id="liveops-badge-newest" href="/live/${pk}/">Import <span class="liveop-percent">${percent}</span></a>`;
const bar = (percent) => `<div data-whole><span class="liveop-percent">${percent}</span></div>`;
const part = (percent) => `<div><span class="liveop-percent">${percent}</span></div>`;
const shown = () => page.document.querySelector("#liveops-badge .liveop-percent").textContent;

async function open(pk) {
  page = await Page.plain(badge(newest(pk, "2 %")) + container(A));
  page.socket.open();
  page.snapshot(A, html.region(A, "progress", bar("15 %") + part("26 %"), 1), { seq: 1 });
}

describe("the badge on the page of its operation", () => {
  afterEach(() => page.close());

  it("says how far the page says that it is", async () => {
    await open(A);
    assert.equal(shown(), "15 %");
    page.frame(A, 2, html.region(A, "progress", bar("16 %") + part("29 %"), 2));
    assert.equal(shown(), "16 %");
    page.socket.deliver(frame("badge", "b1", newBadge(newest(A, "9 %"))));
    assert.equal(shown(), "16 %", "what the database knew is older");
    page.frame(A, 3, html.region(A, "progress", bar(""), 3));
    assert.equal(shown(), "");
  });

  it("says what it knows of another operation", async () => {
    await open(B);
    assert.equal(shown(), "2 %");
  });

  it("is let alone where a page has no such number", async () => {
    page = await Page.plain(badge(newest(A, "2 %")) + container(A));
    page.socket.open();
    page.snapshot(A, html.region(A, "progress", "<p>halfway</p>", 1), { seq: 1 });
    assert.equal(shown(), "2 %");
  });
});
