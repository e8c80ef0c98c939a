// What a page does when its socket breaks, is refused or is blocked.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, B, Page, container, html } from "./page.mjs";

let page;
afterEach(() => page.close());

const fetchedHtml = (text) => html.region(A, "status", text, 1);

async function blocked(times = 3) {
  page = await Page.plain(container(A, { token: "signed" }));
  for (let i = 0; i < times; i += 1) {
    page.socket.drop();
    if (i < times - 1) await page.timers.advance(page.timers.latest);
  }
}

describe("a socket that closes", () => {
  for (const code of [1000, 1001, 1006, 1011, 1012, 4000, 4500]) {
    it(`with code ${code} is replaced, and the page asks for what it missed`, async () => {
      page = await Page.plain(container(A));
      page.socket.open();
      page.snapshot(A, "");
      page.log.lasts[A] = 3;
      page.socket.drop(code);
      assert.equal(page.connection(), "offline");
      assert.equal(page.indicator(), "Offline");
      await page.timers.advance(1000);
      assert.equal(page.sockets.length, 2);
      page.socket.open();
      assert.deepEqual(page.socket.sent, [{ subscribe: { op: A, log_after: 3 } }]);
      page.snapshot(A, html.region(A, "status", "back", 1));
      assert.equal(page.connection(), "live");
      assert.equal(page.region("status").textContent, "back");
    });
  }

  it("with the code of a refusal stays closed", async () => {
    page = await Page.plain(container(A));
    page.socket.open();
    page.socket.drop(4403);
    assert.equal(page.indicator(), "Refused");
    page.window.dispatchEvent(new page.window.Event("online"));
    await page.timers.advance(600000);
    assert.equal(page.sockets.length, 1);
  });

  for (const code of [4408, 4429]) {
    it(`with code ${code} is tried again after a long wait, and fetched meanwhile`, async () => {
      page = await Page.plain(container(A));
      page.answerWith({ op: A, seq: 1, state: "STARTED", liveop_html: fetchedHtml("fetched") });
      for (const wait of [15250, 15250]) {
        page.socket.open();
        page.socket.trouble("too_many");
        assert.equal(page.indicator(), "The reason.");
        page.socket.drop(code);
        assert.equal(page.timers.latest, wait);
        await page.timers.advance(0);
        assert.equal(page.region("status").textContent, "fetched");
        const { length } = page.sockets;
        await page.timers.advance(wait);
        assert.equal(page.sockets.length, length + 1);
      }
      page.socket.open();
      page.snapshot(A, html.region(A, "status", "live again", 2));
      assert.equal(page.connection(), "live");
    });
  }

  it("is tried more and more rarely, with jitter", async () => {
    page = await Page.plain(container(A));
    page.answerWith({}, 503);
    const waits = [];
    for (let i = 0; i < 8; i += 1) {
      page.socket.drop();
      waits.push(page.timers.latest);
      await page.timers.advance(page.timers.latest);
    }
    assert.deepEqual(waits.slice(0, 3), [750, 1250, 2250]);
    assert.deepEqual(waits.slice(-2), [15250, 15250]);
    assert.equal(page.sockets.length, 9);
  });

  it("is tried at once when the browser is online or looked at again", async () => {
    page = await Page.plain(container(A));
    page.socket.drop();
    page.window.dispatchEvent(new page.window.Event("online"));
    assert.equal(page.sockets.length, 2);
    page.socket.drop();
    page.document.dispatchEvent(new page.window.Event("visibilitychange"));
    assert.equal(page.sockets.length, 3);
  });

  it("counts failures anew once a frame came through", async () => {
    page = await Page.plain(container(A));
    page.socket.drop();
    await page.timers.advance(1000);
    page.socket.open();
    page.snapshot(A, "");
    page.socket.drop();
    assert.equal(page.timers.latest, 750);
  });

  it("keeps the wait when something else on the page changes", async () => {
    page = await Page.plain(`<main id="main"></main>${container(A)}`);
    page.socket.drop();
    page.window.htmx.swap("#main", "<p>new</p>", { swapStyle: "innerHTML" });
    assert.equal(page.sockets.length, 1);
  });
});

describe("an error frame", () => {
  for (const code of ["forbidden", "not_found"]) {
    it(`${code} ends it: the reason stays and nobody asks again`, async () => {
      page = await Page.plain(container(A) + container(B));
      page.socket.open();
      page.socket.trouble(code, A);
      assert.equal(page.indicator(A), "The reason.");
      assert.equal(page.connection(A), "offline");
      page.window.liveops.init();
      assert.equal(page.socket.asked("subscribe", A).length, 1);
      assert.equal(page.socket.closedWith, null, "the other operation still needs it");
    });
  }

  it("rate_limited is answered by patience", async () => {
    page = await Page.plain(container(A));
    page.socket.open();
    page.socket.trouble("rate_limited");
    assert.equal(page.indicator(), "The reason.");
    assert.equal(page.socket.asked("subscribe", A).length, 1);
    await page.timers.advance(2000);
    assert.equal(page.socket.asked("subscribe", A).length, 2);
  });

  it("too_many makes the page fetch that operation", async () => {
    page = await Page.plain(container(A));
    page.answerWith({ op: A, seq: 1, state: "STARTED", liveop_html: fetchedHtml("fetched") });
    page.socket.open();
    page.socket.trouble("too_many", A);
    await page.timers.advance(0);
    assert.equal(page.region("status").textContent, "fetched");
  });
});

describe("where sockets are blocked", () => {
  it("the page fetches a snapshot every 2 seconds", async () => {
    await blocked(2);
    await page.timers.advance(0);
    assert.equal(page.fetched.length, 0);
    page.close();
    await blocked(3);
    page.answerWith({ op: A, seq: 1, state: "STARTED", liveop_html: fetchedHtml("fetched") });
    await page.timers.advance(0);
    assert.equal(page.region("status").textContent, "fetched");
    assert.equal(page.indicator(), "Polling");
    await page.timers.advance(4000);
    assert.equal(page.fetched.length, 3);
    assert.equal(page.fetched[0].url, `/live/${A}/snapshot/`);
    assert.equal(page.fetched[0].cache, "no-cache");
    assert.equal(page.fetched[0].headers["X-Liveop-Token"], "signed");
  });

  it("an unchanged snapshot is not applied again", async () => {
    await blocked();
    page.answerWith({ op: A, seq: 1, state: "STARTED", liveop_html: fetchedHtml("fetched") });
    await page.timers.advance(0);
    page.region("status").textContent = "touched";
    await page.timers.advance(2000);
    assert.equal(page.region("status").textContent, "touched");
  });

  it("it goes on through failures, and tells", async () => {
    await blocked();
    page.answerWith({}, 503);
    await page.timers.advance(0);
    assert.equal(page.indicator(), "Offline");
    assert.match(page.warnings.join(), /503/);
    page.answerWith({ op: A, seq: 1, state: "STARTED", liveop_html: fetchedHtml("back") });
    await page.timers.advance(2000);
    assert.equal(page.region("status").textContent, "back");
  });

  it("it keeps trying the socket, and stops fetching when that works", async () => {
    await blocked();
    page.answerWith({ op: A, seq: 1, state: "STARTED", liveop_html: fetchedHtml("fetched") });
    await page.timers.advance(10000);
    assert.ok(page.sockets.length > 3);
    page.socket.open();
    assert.equal(page.indicator(), "Polling", "until the first frame");
    page.snapshot(A, "");
    assert.equal(page.indicator(), "Live");
    const count = page.fetched.length;
    await page.timers.advance(10000);
    assert.equal(page.fetched.length, count);
  });

  it("it ends with the operation", async () => {
    await blocked();
    page.answerWith({ op: A, seq: 9, state: "FINISHED_OK", liveop_html: fetchedHtml("done") });
    await page.timers.advance(0);
    assert.equal(page.region("status").textContent, "done");
    assert.equal(page.document.title, "✓ Import");
    const count = page.sockets.length;
    await page.timers.advance(60000);
    assert.equal(page.fetched.length, 1);
    assert.equal(page.sockets.length, count);
  });
});
