// How a page gets back to the truth by itself: after sleep, after a token expired.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, Page, container, html, settled } from "./page.mjs";

let page;
afterEach(() => page.close());

const online = () => page.window.dispatchEvent(new page.window.Event("online"));
const asked = () => page.socket.asked("subscribe", A);

async function live(options = {}) {
  page = await Page.plain(container(A, { token: "old" }), options);
  page.socket.open();
  page.snapshot(A, "");
}

describe("after the computer slept", () => {
  it("the page asks whether the socket still stands, and goes on if it does", async () => {
    await live();
    page.timers.sleep(3600000);
    await page.timers.advance(10000);
    assert.equal(asked().length, 2);
    page.snapshot(A, html.region(A, "status", "all the time", 1));
    await page.timers.advance(60000);
    assert.equal(page.sockets.length, 1);
    assert.equal(page.region("status").textContent, "all the time");
    assert.equal(asked().length, 2);
  });

  it("a socket that does not answer is replaced", async () => {
    await live();
    page.timers.sleep(3600000);
    await page.timers.advance(10000);
    const dead = page.socket;
    await page.timers.advance(5000);
    assert.equal(page.sockets.length, 2);
    assert.equal(dead.readyState, 3);
    page.socket.open();
    page.snapshot(A, html.region(A, "status", "woken", 1));
    assert.equal(page.region("status").textContent, "woken");
    assert.equal(page.connection(), "live");
    await page.timers.advance(60000);
    assert.equal(page.sockets.length, 2);
  });

  it("the same holds for the tab that is looked at again, at once", async () => {
    await live();
    page.look(false);
    page.timers.sleep(3600000);
    page.look(true);
    assert.equal(asked().length, 2);
    await page.timers.advance(5000);
    assert.equal(page.sockets.length, 2);
  });

  it("and for the network that comes back", async () => {
    await live();
    online();
    assert.equal(asked().length, 2);
    online();
    assert.equal(asked().length, 2, "one question is enough");
  });

  it("a socket that was just being opened gets no longer than one that was open", async () => {
    page = await Page.plain(container(A));
    page.timers.sleep(3600000);
    await page.timers.advance(15000);
    assert.equal(page.sockets.length, 2);
  });

  it("a closed one is opened at once", async () => {
    await live();
    for (let i = 0; i < 6; i += 1) {
      page.socket.drop();
      if (i < 5) await page.timers.advance(page.timers.latest);
    }
    const count = page.sockets.length;
    page.timers.sleep(3600000);
    page.look(true);
    assert.equal(page.sockets.length, count + 1);
  });
});

describe("a pause that is no sleep", () => {
  it("is a short one", async () => {
    await live();
    page.timers.sleep(29000);
    await page.timers.advance(60000);
    assert.equal(asked().length, 1);
  });

  it("is what a browser does to the timers of a hidden tab", async () => {
    await live();
    page.look(false);
    for (let i = 0; i < 5; i += 1) {
      page.timers.sleep(60000);
      await page.timers.advance(10000);
    }
    assert.equal(asked().length, 1);
  });

  it("is none at all where nothing is followed", async () => {
    page = await Page.plain(container(A, { state: "FINISHED_OK" }));
    page.timers.sleep(3600000);
    page.look(true);
    online();
    assert.equal(page.sockets.length, 0);
    assert.equal(page.timers.waiting, 0);
  });
});

describe("a server that was away", () => {
  it("is found again as soon as it answers to a fetch", async () => {
    await live();
    page.answerWith({}, 502);
    for (let i = 0; i < 5; i += 1) {
      page.socket.drop();
      await page.timers.advance(page.timers.latest);
    }
    page.socket.drop();
    const count = page.sockets.length;
    const back = html.region(A, "status", "back", 1);
    page.answerWith({ op: A, state: "STARTED", liveop_html: back });
    await page.timers.advance(2000);
    assert.equal(page.region("status").textContent, "back");
    assert.equal(page.sockets.length, count + 1, "long before its turn");
  });
});

describe("a token", () => {
  const renewed = (token) => container(A, { token });
  const refuse = async () => {
    page.socket.trouble("not_found", A);
    await settled();
    await settled();
  };

  it("is replaced by the one in each snapshot", async () => {
    await live();
    page.snapshot(A, "", { token: "newer", now: 1234.5 });
    assert.equal(page.operation().dataset.liveopToken, "newer");
    assert.equal(page.operation().dataset.liveopNow, "1234.5");
    page.socket.drop();
    await page.timers.advance(1000);
    page.socket.open();
    assert.equal(asked()[0].token, "newer");
  });

  it("is replaced by the one in each snapshot that was fetched", async () => {
    page = await Page.plain(container(A, { token: "old" }));
    page.answerWith({ op: A, state: "STARTED", liveop_html: "", token: "newer" });
    page.socket.trouble("too_many", A);
    await page.timers.advance(2000);
    assert.equal(page.fetched.at(-1).headers["X-Liveop-Token"], "newer");
  });

  it("that has expired is fetched anew from the page, and the page goes on", async () => {
    await live();
    page.answerWith(`<title>Import</title>${renewed("fresh")}`);
    await refuse();
    assert.equal(page.fetched.length, 1);
    assert.equal(page.fetched[0].url, `https://example.test/live/${A}/`);
    assert.equal(asked().at(-1).token, "fresh");
    page.snapshot(A, html.region(A, "status", "goes on", 1));
    assert.equal(page.region("status").textContent, "goes on");
    assert.equal(page.connection(), "live");
  });

  it("that is refused on a page that never showed anything is not fetched", async () => {
    page = await Page.plain(container(A, { token: "wrong" }));
    page.socket.open();
    await refuse();
    assert.equal(page.fetched.length, 0);
    assert.equal(page.indicator(), "The reason.");
  });

  for (const [what, body, status] of [
    ["a login page", "<form>Log in</form>", 200],
    ["no page", "Not found", 404],
  ]) {
    it(`for which there is ${what} instead is given up, and the page says so`, async () => {
      await live();
      page.answerWith(body, status);
      await refuse();
      assert.equal(page.indicator(), "The reason.");
      assert.equal(page.connection(), "offline");
      await page.timers.advance(600000);
      assert.equal(page.fetched.length, 1);
      assert.equal(page.sockets.length, 1);
    });
  }

  it("that does not help either is given up: once a minute is enough", async () => {
    await live();
    page.answerWith(renewed("as bad"));
    await refuse();
    await refuse();
    assert.equal(page.fetched.length, 1);
    assert.equal(page.indicator(), "The reason.");
  });

  it("is fetched again when it expires once more", async () => {
    await live();
    page.answerWith(renewed("second"));
    await refuse();
    page.snapshot(A, "");
    await page.timers.advance(3600000);
    page.answerWith(renewed("third"));
    await refuse();
    assert.equal(page.operation().dataset.liveopToken, "third");
  });

  it("is tried for again in a minute if the page cannot be had just now", async () => {
    await live();
    page.answerWith("", 503);
    await refuse();
    await refuse();
    assert.equal(page.fetched.length, 1);
    assert.equal(page.indicator(), "Offline");
    page.answerWith(renewed("fresh"));
    await page.timers.advance(60000);
    assert.equal(asked().at(-1).token, "fresh");
  });

  it("that expires while sockets are blocked is replaced, too", async () => {
    page = await Page.plain(container(A, { token: "old" }));
    const good = { op: A, state: "STARTED", liveop_html: html.region(A, "status", "one", 1) };
    page.answerWith(good);
    page.socket.trouble("too_many", A);
    await page.timers.advance(0);
    page.answerWith((url) => (url.endsWith("/snapshot/") ? null : renewed("fresh")));
    await page.timers.advance(2000);
    page.answerWith({ ...good, liveop_html: html.region(A, "status", "two", 2) });
    await page.timers.advance(2000);
    assert.equal(page.fetched.at(-1).headers["X-Liveop-Token"], "fresh");
    assert.equal(page.region("status").textContent, "two");
  });
});
