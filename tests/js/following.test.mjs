// Which operations a page follows, and how its controls change that.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { list } from "./overview.mjs";
import { A, B, Page, badge, container, html } from "./page.mjs";

let page;
afterEach(() => page.close());

describe("following", () => {
  it("takes one socket for all operations and says what is shown", async () => {
    page = await Page.plain(container(A, { token: "signed" }) + container(B));
    page.log.lasts[A] = 7;
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
    page = await Page.plain(states.map((state) => container(A, { state })).join(""));
    page.window.liveops.init();
    await page.timers.advance(60000);
    assert.deepEqual(page.sockets, []);
  });

  it("is the same however often init() is called", async () => {
    page = await Page.plain(container(A));
    page.socket.open();
    page.snapshot(A, "");
    for (let i = 0; i < 3; i += 1) page.window.liveops.init();
    page.window.liveops.init(page.operation());
    page.frame(A, 1, html.region(A, "status", "on", 1));
    assert.equal(page.sockets.length, 1);
    assert.equal(page.socket.sent.length, 1);
  });

  it("begins with a container that htmx brings, and ends when htmx takes it away", async () => {
    page = await Page.plain('<main id="main"></main>');
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
    page = await Page.plain(`<main id="main">${container(A)}</main>`);
    page.socket.open();
    page.log.lasts[A] = 4;
    page.window.htmx.swap("#main", container(A), { swapStyle: "innerHTML" });
    assert.equal(page.sockets.length, 1);
    assert.equal(page.socket.asked("subscribe", A).at(-1).log_after, 4);
  });

  it("tells the page of each container once, and of what is shown in it", async () => {
    page = await Page.plain(container(A) + container(B, { state: "FINISHED_OK" }));
    page.window.liveops.init();
    assert.deepEqual(page.heard("attached").map(({ op }) => op), [A, B]);
    page.socket.open();
    page.snapshot(A, html.region(A, "status", badge("STARTED", "Running"), 1));
    assert.equal(page.heard("applied").length, 1);
    assert.deepEqual(page.heard("state"), [], "it has been running all the time");
  });

  it("tells the page when a state changes", async () => {
    page = await Page.plain(container(A, { state: "NOT_STARTED" }));
    page.socket.open();
    page.snapshot(A, html.region(A, "status", badge("STARTED", "Running"), 1));
    page.frame(A, 2, html.region(A, "status", badge("FINISHED_OK", "Succeeded"), 2));
    assert.equal(page.operation().dataset.liveopState, "STARTED", "until it is said to be over");
    page.finished(A, "FINISHED_OK");
    assert.deepEqual(page.heard("state").map(({ state }) => state), ["STARTED", "FINISHED_OK"]);
  });

  it("says what is missing where there is no htmx", async () => {
    page = await Page.plain(container(A) + container(B, { state: "FINISHED_OK" }) + list(), {
      htmx: false,
    });
    assert.deepEqual(page.sockets, []);
    assert.match(page.errors.join(), /htmx 2/);
    assert.equal(page.indicator(), "Incomplete");
    assert.equal(page.indicator(B), "", "nothing more is to come there");
    const ofList = page.document.querySelector("[data-liveops-view] .liveop-connection");
    assert.equal(ofList.textContent, "Incomplete");
  });
});

describe("a control", () => {
  it("that is refused says why", async () => {
    page = await Page.plain(container(A));
    const form = page.document.querySelector("#form");
    page.controlAnswered(form, { status: 409, responseText: "It has finished already." });
    assert.equal(page.indicator(), "It has finished already.");
    page.controlAnswered(form, { status: 500, responseText: "<html>" });
    assert.equal(page.indicator(), "Failed");
  });

  it("that is refused since somebody else has moved on makes the page follow", async () => {
    page = await Page.plain(container(A, { state: "CANCELLED" }));
    const refusal = (state) => ({
      status: 409,
      responseText: "Only an operation that has ended can be started again.",
      getResponseHeader: (name) => (name === "X-Liveop-State" ? state : null),
    });
    const again = page.document.querySelector("#again");
    page.controlAnswered(again, refusal("CANCELLED"));
    assert.deepEqual(page.sockets, [], "nothing has moved");
    page.controlAnswered(again, refusal("STARTED"));
    assert.match(page.indicator(), /has ended/);
    page.socket.open();
    assert.deepEqual(page.socket.sent, [{ subscribe: { op: A, log_after: 0 } }]);
    page.snapshot(A, html.region(A, "status", "going on", 1));
    assert.equal(page.region("status").textContent, "going on");
  });

  it("that starts a finished operation again makes the page follow it", async () => {
    page = await Page.plain(container(A, { state: "FINISHED_ERROR" }));
    page.controlAnswered(page.document.querySelector("#again"), { status: 204 });
    assert.ok(page.log.calls.includes(`reset ${A}`));
    assert.deepEqual(page.heard("state"), [{ name: "state", op: A, state: "NOT_STARTED" }]);
    page.socket.open();
    assert.deepEqual(page.socket.sent, [{ subscribe: { op: A, log_after: 0 } }]);
    page.snapshot(A, html.region(A, "status", "again", 1));
    assert.equal(page.region("status").textContent, "again");
  });

  it("that resumes an operation makes the page follow it, from the log that is there", async () => {
    page = await Page.plain(container(A, { state: "FINISHED_ERROR" }));
    page.log.lasts[A] = 9;
    page.controlAnswered(page.document.querySelector("#on"), { status: 204 });
    page.socket.open();
    assert.deepEqual(page.socket.sent, [{ subscribe: { op: A, log_after: 9 } }]);
    assert.ok(!page.log.calls.includes(`reset ${A}`));
    page.snapshot(A, html.region(A, "status", "goes on", 1));
    assert.equal(page.region("status").textContent, "goes on");
  });

  it("of something else in the container is left alone", async () => {
    page = await Page.plain(container(A));
    const elsewhere = page.region("result");
    page.controlAnswered(elsewhere, { status: 500, responseText: "" });
    assert.equal(page.indicator(), "Connecting");
  });
});
