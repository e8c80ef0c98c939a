// The badge, and how the list and the badge do without a socket.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { badge, frame, list, newBadge, pushed, row, words } from "./overview.mjs";
import { A, Page, settled } from "./page.mjs";

let page;
afterEach(() => page.close());

const root = (view) => page.document.querySelector(`[data-liveops-view=${view}]`);
const indicator = () => root("list").querySelector(".liveop-connection").textContent;
const link = (pk) => page.document.getElementById(`liveops-link-${pk}`);
const asked = (kind, key) => page.socket.sent.filter((one) => one[kind] && key in one[kind]);

async function open(body) {
  page = await Page.load(body);
  page.socket.open();
}

async function blocked(body) {
  page = await Page.load(body);
  for (let i = 0; i < 3; i += 1) {
    page.socket.drop();
    if (i < 2) await page.timers.advance(page.timers.latest);
  }
}

describe("the badge", () => {
  it("changes what it says, and keeps the focus", async () => {
    await open(badge());
    page.document.getElementById("liveops-badge-list").focus();
    page.socket.deliver(frame("badge", "b1", newBadge(words("3 running"))));
    assert.equal(root("badge").textContent, "3 running");
    assert.equal(page.document.activeElement.id, "liveops-badge-list");
    assert.equal(root("badge").id, "liveops-badge");
  });

  it("lets the socket go when nothing is under way, and looks now and then", async () => {
    await open(badge());
    page.socket.deliver(frame("badge", "b1", newBadge(words("Operations", false))));
    assert.equal(page.socket.closedWith, 1000);
    page.answerWith(frame("badge", "b1", ""));
    await page.timers.advance(60000);
    assert.equal(page.fetched.length, 2);
    assert.equal(page.fetched[0].url, "/live/badge/");
    assert.equal(page.sockets.length, 1);
  });

  it("opens no socket before something is under way", async () => {
    page = await Page.load(badge(words("1 failed", false)));
    assert.deepEqual(page.sockets, []);
    page.answerWith(frame("badge", "b1", newBadge(words("1 running"))));
    await page.timers.advance(30000);
    await settled();
    assert.equal(root("badge").textContent, "1 running");
    page.socket.open();
    assert.equal(asked("subscribe", "badge")[0].subscribe.mark, "b1");
    await page.timers.advance(60000);
    assert.equal(page.fetched.length, 1);
  });

  it("looks at once when somebody comes back", async () => {
    page = await Page.load(badge(words("Operations", false)));
    page.look(false);
    await page.timers.advance(300000);
    assert.equal(page.fetched.length, 0);
    page.answerWith(frame("badge", "b0", ""));
    page.look(true);
    await page.timers.advance(0);
    assert.equal(page.fetched.length, 1);
  });
});

describe("without a socket", () => {
  it("fetches the list every five seconds and the badge every ten", async () => {
    await blocked(list() + badge());
    page.answer = (url) => {
      const view = url.includes("badge") ? "badge" : "list";
      const html = view === "list" ? pushed(row(A, "fetched")) : newBadge(words("9 running"));
      const body = frame(view, "m1", html);
      return Promise.resolve({ ok: true, status: 200, json: () => Promise.resolve(body) });
    };
    await page.timers.advance(20000);
    assert.equal(page.fetched.filter(({ url }) => url.startsWith("?fragments=1")).length, 4);
    assert.equal(page.fetched.filter(({ url }) => url === "/live/badge/").length, 2);
    assert.equal(page.fetched[0].cache, "no-cache");
    assert.equal(link(A).textContent, "fetched");
    assert.equal(root("badge").textContent, "9 running");
    assert.equal(indicator(), "Every 5 seconds");
  });

  it("touches nothing while the answer is the same", async () => {
    await blocked(list());
    page.answerWith(frame("list", "m1", pushed(row(A, "fetched"))));
    await page.timers.advance(5000);
    const before = link(A);
    await page.timers.advance(15000);
    assert.equal(link(A), before);
  });

  it("goes back to the socket as soon as there is one", async () => {
    await blocked(list());
    page.answerWith(frame("list", "m1", ""));
    await page.timers.advance(30000);
    const fetched = page.fetched.length;
    page.socket.open();
    assert.equal(asked("subscribe", "list")[0].subscribe.mark, "m1");
    assert.equal(indicator(), "");
    await page.timers.advance(30000);
    assert.equal(page.fetched.length, fetched);
  });

  it("does so from the start for a list that only its page knows", async () => {
    page = await Page.load(list(undefined, { query: null }));
    page.answerWith(frame("list", "m1", pushed(row(A, "fetched"))));
    await page.timers.advance(5000);
    assert.deepEqual(page.sockets, []);
    assert.equal(link(A).textContent, "fetched");
  });

  it("says that the server cannot be reached, and that it can again", async () => {
    await blocked(list());
    await page.timers.advance(5000);
    assert.equal(indicator(), "Lost");
    page.answerWith(frame("list", "m1", ""));
    await page.timers.advance(5000);
    assert.equal(indicator(), "Every 5 seconds");
  });

  for (const answer of [
    { ok: true, status: 200, redirected: true },
    { ok: false, status: 403 },
    { ok: false, status: 404 },
  ])
    it(`asks no more after ${JSON.stringify(answer)}`, async () => {
      await blocked(list());
      page.answer = () => Promise.resolve(answer);
      await page.timers.advance(60000);
      assert.equal(page.fetched.length, 1);
      assert.equal(indicator(), "Refused");
    });

  it("asks on after an error of the server", async () => {
    await blocked(list());
    page.answer = () => Promise.resolve({ ok: false, status: 500 });
    await page.timers.advance(15000);
    assert.equal(page.fetched.length, 3);
  });
});
