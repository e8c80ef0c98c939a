// What frames do to a page: regions, log, gaps, endings.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, B, Page, container, html, line, lines } from "./page.mjs";

let page;
afterEach(() => page.close());

async function live(body = container(A), op = A, fragments = "") {
  page = await Page.plain(body);
  page.socket.open();
  page.snapshot(op, fragments);
}

describe("regions", () => {
  it("are swapped in their own container only", async () => {
    await live(container(A) + container(B));
    page.frame(A, 1, html.region(A, "status", "busy", 1));
    assert.equal(page.region("status", A).textContent, "busy");
    assert.equal(page.region("status", B).textContent, "");
  });

  it("never go back to something older, not even by a snapshot", async () => {
    await live();
    page.frame(A, 5, html.region(A, "progress", "50 %", 5));
    page.snapshot(A, html.region(A, "progress", "30 %", 3) + html.region(A, "stages", "steps"));
    assert.equal(page.region("progress").textContent, "50 %");
    assert.equal(page.region("stages").textContent, "steps");
  });

  it("ignore frames of operations that the page does not follow", async () => {
    await live();
    page.frame(B, 1, html.region(A, "status", "not mine", 1));
    assert.equal(page.region("status").textContent, "");
  });

  it("leave the title alone, whatever a picture's title says", async () => {
    await live();
    const picture = html.region(A, "result", "<svg><title>map</title></svg>");
    page.frame(A, 1, `<title>stolen</title>${picture}`);
    assert.equal(page.document.title, "Import");
    assert.equal(page.region("result").querySelector("title").textContent, "map");
  });

  it("that a page of its own making does not have are passed over without an error", async () => {
    await live();
    const errors = [];
    page.document.addEventListener("htmx:oobErrorNoTarget", () => errors.push("no target"));
    page.region("stages").remove();
    page.frame(A, 1, html.region(A, "stages", "steps") + html.region(A, "status", "busy", 1));
    assert.equal(page.region("status").textContent, "busy");
    assert.deepEqual(errors, []);
  });
});

describe("the log", () => {
  it("is asked to take each frame, and told when it was applied", async () => {
    await live();
    page.frame(A, 1, html.append(A, lines(1, 2)));
    assert.deepEqual(page.log.calls, [`attach ${A}`, `applied ${A}`, `applied ${A}`]);
  });

  it("gets back after the snapshot, in order, what it held back before", async () => {
    page = await Page.plain(container(A));
    page.socket.open();
    page.frame(A, 4, html.append(A, line(9)));
    page.frame(A, 5, html.append(A, line(10)));
    assert.deepEqual(page.lineNumbers(), []);
    page.snapshot(A, html.append(A, lines(7, 8)));
    assert.deepEqual(page.lineNumbers(), [7, 8, 9, 10]);
    page.frame(A, 6, html.append(A, line(11)));
    assert.equal(page.lineNumbers().at(-1), 11);
  });

  it("that nobody brings leaves the rest of the page alive", async () => {
    page = await Page.plain(container(A), { log: null });
    page.socket.open();
    page.snapshot(A, html.append(A, lines(1, 2)) + html.region(A, "status", "busy", 1));
    assert.equal(page.region("status").textContent, "busy");
    assert.deepEqual(page.lineNumbers(), [1, 2]);
  });
});

describe("a gap", () => {
  const asked = () => page.socket.asked("subscribe", A);

  it("makes the page ask again, from the last line that it shows", async () => {
    await live();
    page.frame(A, 11, "");
    page.frame(A, 12, "");
    page.log.lasts[A] = 3;
    assert.equal(asked().length, 1);
    await page.timers.advance(2000);
    page.frame(A, 15, html.region(A, "status", "later", 15) + html.append(A, line(9)));
    assert.deepEqual(asked().map((ask) => ask.log_after), [0, 3]);
    assert.equal(page.region("status").textContent, "later");
  });

  it("holds lines back until the snapshot that closes it", async () => {
    await live();
    page.frame(A, 11, html.append(A, line(3)));
    page.frame(A, 15, html.append(A, line(9)));
    page.frame(A, 16, html.append(A, line(10)));
    assert.deepEqual(page.lineNumbers(), [3]);
    page.snapshot(A, html.append(A, lines(4, 8)));
    assert.deepEqual(page.lineNumbers(), [3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("makes it ask at most once in 2 seconds, however many there are", async () => {
    await live();
    await page.timers.advance(2000);
    for (let seq = 10; seq < 100; seq += 10) page.frame(A, seq, "");
    assert.equal(asked().length, 2);
    await page.timers.advance(1999);
    assert.equal(asked().length, 2);
    await page.timers.advance(1);
    assert.equal(asked().length, 3);
    page.snapshot(A, "");
    await page.timers.advance(60000);
    assert.equal(asked().length, 3, "a snapshot ends it");
  });

  it("is no gap if the frame says that it holds what is between", async () => {
    await live();
    await page.timers.advance(2000);
    page.frame(A, 11, "");
    page.socket.deliver({ op: A, seq: 15, after: 11, liveop_html: html.append(A, line(9)) });
    page.frame(A, 16, "");
    assert.equal(asked().length, 1);
    assert.deepEqual(page.lineNumbers(), [9]);
    page.socket.deliver({ op: A, seq: 20, after: 17, liveop_html: "" });
    assert.equal(asked().length, 2);
  });

  it("is no gap after a snapshot, whatever the next number", async () => {
    await live();
    await page.timers.advance(2000);
    page.frame(A, 70, "");
    page.frame(A, 71, "");
    page.snapshot(A, "");
    page.frame(A, 500, html.region(A, "status", "on", 500));
    page.frame(A, 501, "");
    assert.equal(asked().length, 1);
    assert.equal(page.region("status").textContent, "on");
  });

  it("is not seen in a number that comes twice or late", async () => {
    await live();
    await page.timers.advance(2000);
    for (const seq of [5, 6, 6, 5, 7]) page.frame(A, seq, "");
    assert.equal(asked().length, 1);
  });
});

describe("the end of an operation", () => {
  it("is shown, and the socket closed", async () => {
    await live();
    page.finished(A, "FINISHED_OK");
    assert.equal(page.operation().dataset.liveopState, "FINISHED_OK");
    assert.equal(page.document.title, "✓ Import");
    assert.equal(page.indicator(), "");
    assert.equal(page.socket.asked("unsubscribe", A).length, 1);
    assert.equal(page.socket.closedWith, 1000);
    assert.deepEqual(page.visited, []);
    await page.timers.advance(60000);
    assert.equal(page.sockets.length, 1);
  });

  it("leads on to the page that the operation names", async () => {
    await live();
    page.finished(A, "FINISHED_OK", "/airports/");
    assert.deepEqual(page.visited, ["/airports/"]);
  });

  it("leaves the socket to the others", async () => {
    await live(container(A) + container(B));
    page.finished(A, "FINISHED_ERROR");
    assert.equal(page.socket.closedWith, null);
    assert.equal(page.document.title, "Import", "no mark while something runs");
    page.snapshot(B, html.region(B, "status", "still here", 1));
    assert.equal(page.region("status", B).textContent, "still here");
    page.finished(B, "FINISHED_OK");
    assert.equal(page.document.title, "✗ Import");
    assert.equal(page.socket.closedWith, 1000);
  });
});
