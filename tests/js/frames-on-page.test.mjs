// What frames do to a page: regions, log, gaps, endings.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, B, Page, container, html, line, lines } from "./page.mjs";

let page;
afterEach(() => page.close());

async function live(body = container(A), op = A, fragments = "") {
  page = await Page.load(body);
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
    page.frame(A, 1, "<title>stolen</title>" + html.region(A, "result", "<svg><title>map</title></svg>"));
    assert.equal(page.document.title, "Import");
    assert.equal(page.region("result").querySelector("title").textContent, "map");
  });
});

describe("the log", () => {
  it("shows each line once", async () => {
    await live(container(A, { log: lines(1, 3) }), A, html.append(A, lines(2, 5)));
    page.frame(A, 1, html.append(A, lines(5, 6)));
    assert.deepEqual(page.lineNumbers(), [1, 2, 3, 4, 5, 6]);
  });

  it("takes a replacement as it is", async () => {
    await live(container(A, { log: lines(1, 3) }), A, html.replace(A, lines(8, 9)));
    page.frame(A, 1, html.append(A, line(10)));
    assert.deepEqual(page.lineNumbers(), [8, 9, 10]);
  });

  it("keeps the last 5,000 lines and says that it dropped some", async () => {
    await live(container(A), A, html.replace(A, lines(1, 3)));
    assert.equal(page.window.liveops.maxLines, 5000);
    page.window.liveops.maxLines = 5;
    const list = () => page.region("log").querySelector("ol");
    page.frame(A, 1, html.append(A, lines(4, 5)));
    assert.equal(list().dataset.trimmed, undefined);
    page.frame(A, 2, html.append(A, lines(6, 8)));
    assert.deepEqual(page.lineNumbers(), [4, 5, 6, 7, 8]);
    assert.equal(list().dataset.trimmed, "");
    page.snapshot(A, html.replace(A, lines(7, 8)));
    assert.equal(list().dataset.trimmed, undefined);
  });

  it("stays at its end until the reader scrolls up, and again from the end", async () => {
    await live();
    const log = page.region("log");
    let height = 1000;
    Object.defineProperty(log, "scrollHeight", { get: () => height });
    Object.defineProperty(log, "clientHeight", { value: 300 });
    const grow = (n) => {
      height += 100;
      page.frame(A, n, html.append(A, line(n)));
    };
    const scrollTo = (top) => {
      log.scrollTop = top;
      log.dispatchEvent(new page.window.Event("scroll"));
    };
    grow(1);
    assert.equal(log.scrollTop, 1100);
    scrollTo(200);
    assert.ok(log.hasAttribute("data-away"));
    grow(2);
    assert.equal(log.scrollTop, 200);
    scrollTo(900);
    grow(3);
    assert.equal(log.scrollTop, 1300);
    scrollTo(0);
    page.operation().querySelector("[data-liveop-follow]").click();
    assert.equal(log.scrollTop, 1300);
  });
});

describe("a gap", () => {
  const asked = () => page.socket.asked("subscribe", A);

  it("makes the page ask again, from the last line that it shows", async () => {
    await live(container(A), A, html.append(A, lines(1, 2)));
    page.frame(A, 11, "");
    page.frame(A, 12, html.append(A, line(3)));
    assert.equal(asked().length, 1);
    await page.timers.advance(2000);
    page.frame(A, 15, html.region(A, "status", "later", 15) + html.append(A, line(9)));
    assert.deepEqual(asked().map((ask) => ask.log_after), [0, 3]);
    assert.equal(page.region("status").textContent, "later");
  });

  it("loses no line and shows none twice", async () => {
    await live(container(A), A, html.append(A, lines(1, 3)));
    page.frame(A, 11, "");
    page.frame(A, 15, html.append(A, line(9)));
    page.frame(A, 16, html.append(A, line(10)));
    assert.deepEqual(page.lineNumbers(), [1, 2, 3], "lines after a gap wait");
    page.snapshot(A, html.append(A, lines(4, 9)));
    assert.deepEqual(page.lineNumbers(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    page.frame(A, 17, html.append(A, line(11)));
    assert.equal(page.lineNumbers().at(-1), 11);
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
  const finished = (state, successUrl = null) => ({
    op: A,
    liveop_finished: { state, url: `/live/${A}/`, success_url: successUrl },
  });

  it("is shown, and the socket closed", async () => {
    await live();
    page.socket.deliver(finished("FINISHED_OK"));
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
    page.socket.deliver(finished("FINISHED_OK", "/airports/"));
    assert.deepEqual(page.visited, ["/airports/"]);
  });

  it("leaves the socket to the others", async () => {
    await live(container(A) + container(B));
    page.socket.deliver(finished("FINISHED_ERROR"));
    assert.equal(page.socket.closedWith, null);
    assert.equal(page.document.title, "Import", "no mark while something runs");
    page.snapshot(B, html.region(B, "status", "still here", 1));
    assert.equal(page.region("status", B).textContent, "still here");
    page.socket.deliver({ ...finished("FINISHED_OK"), op: B });
    assert.equal(page.document.title, "✗ Import");
    assert.equal(page.socket.closedWith, 1000);
  });
});
