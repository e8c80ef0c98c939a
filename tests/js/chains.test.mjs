// What a page does when an operation goes on with another one.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, B, C, Page, badge, container, html } from "./page.mjs";

let page;
afterEach(() => page.close());

const HEAD = `<header data-liveop-head="${A}"><h1>Load</h1></header>`;

async function running(body = HEAD + container(A, { title: "Load" }), options = {}) {
  page = await Page.plain(body, { title: "Load", ...options });
  page.document.addEventListener("htmx:oobErrorNoTarget", () => page.errors.push("no target"));
  page.socket.open();
  page.snapshot(A, "");
  page.window.marker = "here since the beginning";
}

/** Hand over as the server does: the container first, then the signal. */
function handOver(from, to, options = {}) {
  page.frame(from, 2, html.next(from, to, { title: "Save", token: `for ${to}`, ...options }));
  page.chained(from, to, `for ${to}`);
}

const subscribed = (op) => page.socket.asked("subscribe", op);
const left = (op) => page.socket.asked("unsubscribe", op).length;

describe("a chain", () => {
  it("goes on in place, on the same socket, without a reload", async () => {
    await running();
    handOver(A, B);
    assert.equal(page.operation(A), null);
    assert.equal(page.sockets.length, 1);
    assert.equal(left(A), 1);
    assert.deepEqual(subscribed(B), [{ op: B, token: `for ${B}`, log_after: 0 }]);
    page.snapshot(B, html.region(B, "status", "saving", 1));
    assert.equal(page.region("status", B).textContent, "saving");
    assert.equal(page.window.marker, "here since the beginning");
    assert.deepEqual(page.visited, []);
    assert.deepEqual(page.errors, []);
  });

  it("takes head, title and address along on the operation's own page", async () => {
    await running();
    const { length } = page.window.history;
    handOver(A, B);
    assert.equal(page.document.querySelector("h1").textContent, "Save");
    assert.ok(page.document.querySelector(`[data-liveop-head="${B}"]`));
    assert.equal(page.document.title, "Save");
    assert.equal(page.window.location.pathname, `/live/${B}/`);
    assert.equal(page.window.history.length, length, "back leads to where the reader came from");
  });

  it("changes no more of another title than the operation's name", async () => {
    await running(undefined, { title: "Load | Airports" });
    handOver(A, B, { title: "Save $& more" });
    assert.equal(page.document.title, "Save $& more | Airports");
  });

  it("takes the begin of the id in the title along", async () => {
    await running(undefined, { title: "Load 11111111 | Airports" });
    handOver(A, B);
    assert.equal(page.document.title, "Save 22222222 | Airports");
  });

  it("leaves title and address of a page with several operations alone", async () => {
    const options = { path: "/dashboard/", title: "Dashboard" };
    await running(container(A, { title: "Load" }) + container(C), options);
    handOver(A, B);
    assert.equal(page.document.title, "Dashboard");
    assert.equal(page.window.location.pathname, "/dashboard/");
    assert.deepEqual(page.errors, [], "a head that the page does not have is not missed");
  });

  it("hands the headers for the controls on, and lets htmx see to the controls", async () => {
    const headers = '{"X-CSRFToken": "secret"}';
    await running(container(A, { attributes: `hx-headers='${headers}'` }));
    const inner = '<form id="cancel" hx-post="/cancel/"></form>';
    const processed = [];
    page.document.addEventListener("htmx:afterProcessNode", ({ target }) =>
      processed.push(target.id),
    );
    handOver(A, B, { inner });
    assert.equal(page.operation(B).getAttribute("hx-headers"), headers);
    assert.ok(processed.includes("cancel"));
  });

  it("tells the page, from the container that came", async () => {
    await running();
    handOver(A, B);
    const chained = { name: "chained", op: B, from: A, title: "Load" };
    assert.deepEqual(page.heard("chained"), [chained]);
    assert.deepEqual(page.heard("attached").map(({ op }) => op), [A, B]);
  });

  it("shows one that has finished meanwhile, and lets the socket go", async () => {
    await running();
    handOver(A, B, { state: "FINISHED_OK", status: badge("FINISHED_OK", "Succeeded") });
    assert.equal(page.document.title, "✓ Save");
    assert.deepEqual(subscribed(B), []);
    assert.equal(page.socket.closedWith, 1000);
    await page.timers.advance(600000);
    assert.equal(page.sockets.length, 1);
  });

  it("goes on and on, however fast", async () => {
    await running();
    handOver(A, B);
    page.snapshot(B, "");
    handOver(B, C, { title: "Report" });
    page.snapshot(C, html.region(C, "status", "third", 1));
    assert.equal(page.region("status", C).textContent, "third");
    assert.equal(page.document.querySelectorAll("[data-liveop]").length, 1);
    assert.equal(page.document.title, "Report");
    assert.equal(page.window.location.pathname, `/live/${C}/`);
    assert.deepEqual([left(A), left(B), left(C)], [1, 1, 0]);
    assert.equal(page.sockets.length, 1);
  });
});

describe("after a chain", () => {
  it("the same signal again does nothing", async () => {
    await running();
    handOver(A, B);
    page.chained(A, B, "another");
    page.frame(A, 3, html.next(A, B, { title: "Save" }));
    assert.equal(page.document.querySelectorAll("[data-liveop]").length, 1);
    assert.equal(page.operation(B).dataset.liveopToken, `for ${B}`);
    assert.deepEqual([left(A), subscribed(B).length], [1, 1]);
  });

  it("a signal for what is not shown does nothing", async () => {
    await running();
    page.chained(C, B, "token");
    assert.ok(page.operation(A));
    assert.equal(page.socket.sent.length, 1);
    assert.equal(page.fetched.length, 0);
  });

  it("late frames and snapshots of the one before are dropped", async () => {
    await running();
    handOver(A, B);
    page.snapshot(B, html.region(B, "status", "saving", 1));
    page.frame(A, 9, html.region(B, "status", "late", 9));
    page.snapshot(A, html.region(B, "status", "late", 9));
    page.finished(A, "FINISHED_OK", "/away/");
    assert.equal(page.region("status", B).textContent, "saving");
    assert.deepEqual(page.visited, []);
  });
});

describe("focus", () => {
  const focused = () => page.document.activeElement;

  it("goes on to the same part of the next container, not to one of another", async () => {
    await running(container(C) + container(A));
    page.region("log").focus();
    handOver(A, B);
    assert.equal(focused(), page.region("log", B));
  });

  it("goes on to the container if it has no such part", async () => {
    await running();
    page.operation().querySelector("[data-liveop-follow]").focus();
    handOver(A, B);
    assert.equal(focused(), page.operation(B));
  });

  it("stays wherever else it is", async () => {
    await running(`<input id="search">${container(A)}`);
    page.document.querySelector("#search").focus();
    handOver(A, B);
    assert.equal(focused().id, "search");
  });
});

describe("a chain to what is on the page already", () => {
  it("ends the one before, with the link that the server gave it", async () => {
    await running(container(A) + container(B), { title: "Both" });
    page.snapshot(B, "");
    page.snapshot(A, html.region(A, "next", `<a href="/live/${B}/">Went on</a>`));
    handOver(A, B);
    assert.equal(page.document.querySelectorAll("[data-liveop]").length, 2);
    assert.equal(page.operation(A).dataset.liveopState, "FINISHED_OK");
    assert.equal(page.region("next", A).textContent, "Went on");
    assert.deepEqual([left(A), subscribed(B).length], [1, 1]);
    page.frame(B, 3, html.region(B, "status", "live", 3));
    assert.equal(page.region("status", B).textContent, "live");
  });
});

describe("a chain whose container was lost on the way", () => {
  const answer = (more = {}) => ({
    op: A,
    state: "FINISHED_OK",
    liveop_html: html.region(A, "status", "done", 9),
    ...more,
  });

  it("is fetched", async () => {
    await running();
    const next = html.next(A, B, { title: "Save", token: `for ${B}` });
    page.answerWith(answer({ chain: { op: B, token: "", html: next } }));
    page.chained(A, B);
    await page.timers.advance(0);
    assert.equal(page.fetched[0].url, `/live/${A}/snapshot/`);
    assert.equal(page.operation(A), null);
    assert.equal(subscribed(B).length, 1);
    await page.timers.advance(60000);
    assert.equal(page.fetched.length, 1);
  });

  it("is found by a page whose sockets are blocked", async () => {
    page = await Page.plain(HEAD + container(A, { title: "Load" }), { title: "Load" });
    for (let i = 0; i < 3; i += 1) {
      page.socket.drop();
      if (i < 2) await page.timers.advance(page.timers.latest);
    }
    const next = html.next(A, B, { title: "Save" });
    const second = { op: B, state: "STARTED", liveop_html: html.region(B, "status", "saving", 1) };
    page.answerWith((url) =>
      url.includes(A) ? answer({ chain: { op: B, token: "", html: next } }) : second,
    );
    await page.timers.advance(0);
    assert.equal(page.window.location.pathname, `/live/${B}/`);
    assert.equal(page.fetched.at(-1).url, `/live/${B}/snapshot/`);
    assert.equal(page.region("status", B).textContent, "saving");
  });
});
