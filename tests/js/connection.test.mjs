// Which operations a page follows, over what, and what it does when that breaks.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, B, Page, container, html, lines } from "./page.mjs";

let page;
afterEach(() => page.close());

const fetchedHtml = (text) => html.region(A, "status", text, 1);

async function blocked(times = 3) {
  page = await Page.load(container(A, { token: "signed" }));
  for (let i = 0; i < times; i += 1) {
    page.socket.drop();
    if (i < times - 1) await page.timers.advance(page.timers.latest);
  }
}

describe("following", () => {
  it("takes one socket for all operations and says what is shown", async () => {
    page = await Page.load(container(A, { token: "signed", log: lines(1, 7) }) + container(B));
    assert.equal(page.sockets.length, 1);
    assert.equal(page.socket.url, "wss://example.test/ws/liveops/");
    assert.equal(page.connection(), "connecting");
    page.socket.open();
    assert.deepEqual(page.socket.sent, [
      { subscribe: { op: A, token: "signed", log_after: 7 } },
      { subscribe: { op: B, log_after: 0 } },
    ]);
    page.snapshot(A, "");
    assert.equal(page.connection(A), "live");
    assert.equal(page.indicator(A), "Live");
    assert.equal(page.connection(B), "connecting");
  });

  it("opens no socket for operations that are finished", async () => {
    const states = ["FINISHED_OK", "FINISHED_ERROR", "CANCELLED", "INTERRUPTED"];
    page = await Page.load(states.map((state) => container(A, { state })).join(""));
    page.window.liveops.init();
    await page.timers.advance(60000);
    assert.deepEqual(page.sockets, []);
  });

  it("is the same however often init() is called", async () => {
    page = await Page.load(container(A));
    page.socket.open();
    page.snapshot(A, "");
    for (let i = 0; i < 3; i += 1) page.window.liveops.init();
    page.window.liveops.init(page.operation());
    page.frame(A, 1, html.region(A, "status", "on", 1));
    assert.equal(page.sockets.length, 1);
    assert.equal(page.socket.sent.length, 1);
  });

  it("begins with a container that htmx brings, and ends when htmx takes it away", async () => {
    page = await Page.load('<main id="main"></main>');
    assert.deepEqual(page.sockets, []);
    const swap = (content) => page.window.htmx.swap("#main", content, { swapStyle: "innerHTML" });
    swap(container(A));
    page.socket.open();
    swap(container(B));
    assert.equal(page.sockets.length, 1);
    assert.equal(page.socket.asked("unsubscribe", A).length, 1);
    assert.equal(page.socket.asked("subscribe", B).length, 1);
    swap("<p>nothing live</p>");
    assert.equal(page.socket.closedWith, 1000);
  });

  it("begins anew when an operation's own container is replaced", async () => {
    page = await Page.load(`<main id="main">${container(A)}</main>`);
    page.socket.open();
    page.window.htmx.swap("#main", container(A, { log: lines(1, 4) }), { swapStyle: "innerHTML" });
    assert.equal(page.sockets.length, 1);
    assert.equal(page.socket.asked("subscribe", A).at(-1).log_after, 4);
  });

  it("goes on to the next operation of a chain", async () => {
    page = await Page.load(container(A));
    page.socket.open();
    page.snapshot(A, "");
    const next = container(B).replace("<section", `<section hx-swap-oob="outerHTML:#op-${A}"`);
    page.frame(A, 1, next);
    page.socket.deliver({ op: A, liveop_chain: { op: B, channel: `liveop.${B}`, token: "for B" } });
    assert.equal(page.operation(A), null);
    assert.equal(page.sockets.length, 1);
    assert.equal(page.socket.asked("unsubscribe", A).length, 1);
    assert.equal(page.socket.asked("subscribe", B).length, 1);
    assert.equal(page.operation(B).dataset.liveopToken, "for B");
    assert.equal(page.window.location.pathname, `/live/${B}/`);
  });

  it("says what is missing where there is no htmx", async () => {
    page = await Page.load(container(A), { htmx: false });
    assert.deepEqual(page.sockets, []);
    assert.match(page.errors.join(), /htmx 2/);
  });
});

describe("a socket that closes", () => {
  for (const code of [1000, 1001, 1006, 1011, 1012, 4000]) {
    it(`with code ${code} is replaced, and the page asks for what it missed`, async () => {
      page = await Page.load(container(A));
      page.socket.open();
      page.snapshot(A, html.append(A, lines(1, 3)));
      page.socket.drop(code);
      assert.equal(page.connection(), "offline");
      assert.equal(page.indicator(), "Offline");
      await page.timers.advance(1000);
      assert.equal(page.sockets.length, 2);
      page.socket.open();
      assert.deepEqual(page.socket.sent, [{ subscribe: { op: A, log_after: 3 } }]);
      page.snapshot(A, html.append(A, lines(4, 5)));
      assert.equal(page.connection(), "live");
      assert.deepEqual(page.lineNumbers(), [1, 2, 3, 4, 5]);
    });
  }

  it("with the code of a refusal stays closed", async () => {
    page = await Page.load(container(A));
    page.socket.open();
    page.socket.drop(4403);
    assert.equal(page.indicator(), "Refused");
    page.window.dispatchEvent(new page.window.Event("online"));
    await page.timers.advance(600000);
    assert.equal(page.sockets.length, 1);
  });

  it("is tried more and more rarely, with jitter", async () => {
    page = await Page.load(container(A));
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
    page = await Page.load(container(A));
    page.socket.drop();
    page.window.dispatchEvent(new page.window.Event("online"));
    assert.equal(page.sockets.length, 2);
    page.socket.drop();
    page.document.dispatchEvent(new page.window.Event("visibilitychange"));
    assert.equal(page.sockets.length, 3);
  });

  it("counts failures anew once a frame came through", async () => {
    page = await Page.load(container(A));
    page.socket.drop();
    await page.timers.advance(1000);
    page.socket.open();
    page.snapshot(A, "");
    page.socket.drop();
    assert.equal(page.timers.latest, 750);
  });

  it("keeps the wait when something else on the page changes", async () => {
    page = await Page.load(`<main id="main"></main>${container(A)}`);
    page.socket.drop();
    page.window.htmx.swap("#main", "<p>new</p>", { swapStyle: "innerHTML" });
    assert.equal(page.sockets.length, 1);
  });
});

describe("an error frame", () => {
  const error = (op, code) => page.socket.deliver({ op, error: code, detail: "The reason." });

  for (const code of ["forbidden", "not_found"]) {
    it(`${code} ends it: the reason stays and nobody asks again`, async () => {
      page = await Page.load(container(A) + container(B));
      page.socket.open();
      error(A, code);
      assert.equal(page.indicator(A), "The reason.");
      assert.equal(page.connection(A), "offline");
      page.window.liveops.init();
      assert.equal(page.socket.asked("subscribe", A).length, 1);
      assert.equal(page.socket.closedWith, null, "the other operation still needs it");
    });
  }

  it("rate_limited is answered by patience", async () => {
    page = await Page.load(container(A));
    page.socket.open();
    error(null, "rate_limited");
    assert.equal(page.indicator(), "The reason.");
    assert.equal(page.socket.asked("subscribe", A).length, 1);
    await page.timers.advance(2000);
    assert.equal(page.socket.asked("subscribe", A).length, 2);
  });

  it("too_many makes the page fetch that operation", async () => {
    page = await Page.load(container(A));
    page.answerWith({ op: A, seq: 1, state: "STARTED", liveop_html: fetchedHtml("fetched") });
    page.socket.open();
    error(A, "too_many");
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

describe("a control", () => {
  it("that is refused says why", async () => {
    page = await Page.load(container(A));
    const form = page.document.querySelector("#form");
    page.controlAnswered(form, { status: 409, responseText: "It has finished already." });
    assert.equal(page.indicator(), "It has finished already.");
    page.controlAnswered(form, { status: 500, responseText: "<html>" });
    assert.equal(page.indicator(), "Failed");
  });

  it("that starts a finished operation again makes the page follow it", async () => {
    page = await Page.load(container(A, { state: "FINISHED_ERROR", log: lines(1, 3) }));
    page.controlAnswered(page.document.querySelector("#again"), { status: 204 });
    page.socket.open();
    assert.deepEqual(page.socket.sent, [{ subscribe: { op: A, log_after: 0 } }]);
    page.snapshot(A, html.append(A, lines(1, 2)));
    assert.deepEqual(page.lineNumbers(), [1, 2]);
  });

  it("of something else in the container is left alone", async () => {
    page = await Page.load(container(A));
    const elsewhere = page.region("result");
    page.controlAnswered(elsewhere, { status: 500, responseText: "" });
    assert.equal(page.indicator(), "Connecting");
  });
});
