// Clocks on the page: they go with the server's time, all at once, only while somebody looks.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, B, Page, container, html } from "./page.mjs";

let page;
afterEach(() => page.close());

// The server's clock is years ahead of the page's, which begins at 0.
const NOW = 1_800_000_000;
const since = (ago, text = "") => `<time data-liveop-since="${NOW - ago}">${text}</time>`;
const until = (ahead, text = "") => `<span data-liveop-until="${NOW + ahead}">${text}</span>`;
const shown = (selector = "time") => page.document.querySelector(selector).textContent;

const running = (stages, options = {}) =>
  Page.plain(container(A, { now: NOW, stages, ...options }));

describe("a clock", () => {
  it("shows how long it is by the server's time, and ticks each second", async () => {
    page = await running(since(42));
    assert.equal(shown(), "0:42");
    await page.timers.advance(1000);
    assert.equal(shown(), "0:43");
    await page.timers.advance(3600000);
    assert.equal(shown(), "1:00:43");
  });

  it("does not care what the page's own clock says", async () => {
    page = await Page.plain(container(A, { now: -NOW, stages: "" }));
    page.region("stages").innerHTML = `<time data-liveop-since="${-NOW - 7}"></time>`;
    await page.timers.advance(0);
    page.look(true);
    assert.equal(shown(), "0:07");
  });

  it("stops, and takes the buttons with it, where nothing more is shown", async () => {
    page = await running(since(42));
    page.region("controls").innerHTML = "<button>Cancel</button>";
    page.socket.trouble("not_found", A);
    await page.timers.advance(5000);
    assert.equal(shown(), "0:42");
    assert.equal(page.region("controls").innerHTML, "");
  });

  it("shows no time before its start", async () => {
    page = await running(since(-30));
    assert.equal(shown(), "0:00");
    await page.timers.advance(31000);
    assert.equal(shown(), "0:01");
  });

  it("counts down, and then shows a dash instead of nonsense", async () => {
    page = await running(until(2));
    assert.equal(shown("span"), "0:02");
    await page.timers.advance(1000);
    assert.equal(shown("span"), "0:01");
    await page.timers.advance(1000);
    assert.equal(shown("span"), "–");
    await page.timers.advance(3600000);
    assert.equal(shown("span"), "–");
  });

  it("takes away what would say that an unknown time is left", async () => {
    page = await running(`<ul class="liveop-facts"><li>${until(1)} left</li></ul>`);
    const [fact] = page.document.querySelectorAll("li");
    assert.equal(fact.hidden, false);
    await page.timers.advance(1000);
    assert.equal(fact.hidden, true);
    page.document.querySelector("span").dataset.liveopUntil = `${NOW + 5}`;
    await page.timers.advance(1000);
    assert.equal(fact.hidden, false);
  });

  it("shows a dash for what is more than 99 days away", async () => {
    page = await running(until(99 * 86400 + 1) + "<i></i>");
    assert.equal(shown("span"), "–");
  });

  it("writes days as the language around it does", async () => {
    page = await running(`<p data-text-days="{days} Tage {time}">${since(86400 * 2 + 3661)}</p>`);
    assert.equal(shown(), "2 Tage 1:01:01");
    page.close();
    page = await running(since(86400 + 3661));
    assert.equal(shown(), "1 d 1:01:01");
  });

  it("changes together with all others, at full seconds", async () => {
    page = await Page.plain(container(A, { now: NOW + 0.25, stages: since(10) + until(10) }));
    await page.timers.advance(749);
    assert.deepEqual([shown(), shown("span")], ["0:10", "0:10"]);
    await page.timers.advance(1);
    assert.deepEqual([shown(), shown("span")], ["0:11", "0:09"]);
  });

  it("takes the server's time from each snapshot", async () => {
    page = await running(since(42));
    page.socket.open();
    page.timers.sleep(3600000);
    page.snapshot(A, "", { now: NOW + 100 });
    assert.equal(shown(), "2:22");
  });

  it("is right as soon as a frame brings it", async () => {
    page = await running("");
    page.socket.open();
    page.snapshot(A, "", { now: NOW });
    await page.timers.advance(5000);
    page.frame(A, 1, html.region(A, "stages", since(3, "0:03")));
    assert.equal(shown(), "0:08");
  });

  it("ticks outside of an operation as well, as in a list", async () => {
    page = await Page.plain(`<main data-liveop-now="${NOW}" id="main">${since(1)}</main>`);
    await page.timers.advance(1000);
    assert.equal(shown(), "0:02");
    page.window.htmx.swap("#main", since(60), { swapStyle: "innerHTML" });
    assert.equal(shown(), "1:01");
  });
});

describe("the timer of the clocks", () => {
  it("is one for all of them", async () => {
    page = await running(since(1), { state: "STARTED" });
    const others = page.timers.waiting;
    page.close();
    page = await running(since(1) + since(2) + until(3));
    assert.equal(page.timers.waiting, others);
  });

  it("rests while nobody looks, and the clocks are right at once after that", async () => {
    page = await running(since(42));
    const going = page.timers.waiting;
    page.look(false);
    await page.timers.advance(60000);
    assert.equal(page.timers.waiting, going - 1);
    assert.equal(shown(), "0:42");
    page.look(true);
    assert.equal(shown(), "1:42");
    assert.equal(page.timers.waiting, going);
  });

  it("rests where there is no clock", async () => {
    page = await Page.plain(container(A, { now: NOW, state: "FINISHED_OK" }));
    assert.equal(page.timers.waiting, 0);
  });

  it("rests when the operation is over, whatever still stands there", async () => {
    page = await running(since(42));
    page.socket.open();
    page.snapshot(A, "");
    page.finished(A, "FINISHED_OK");
    await page.timers.advance(60000);
    assert.equal(shown(), "0:42");
    assert.equal(page.timers.waiting, 0);
  });

  it("goes on for the others", async () => {
    page = await Page.plain(
      container(A, { now: NOW, stages: since(1) }) + container(B, { now: NOW, stages: since(1) }),
    );
    page.socket.open();
    page.finished(A, "CANCELLED");
    await page.timers.advance(9000);
    assert.equal(page.region("stages", A).textContent, "0:01");
    assert.equal(page.region("stages", B).textContent, "0:10");
  });

  it("goes on when the operation is started again", async () => {
    page = await running("", { state: "FINISHED_ERROR" });
    page.controlAnswered(page.document.querySelector("#again"), { status: 204 });
    page.socket.open();
    page.snapshot(A, html.region(A, "stages", since(0)), { now: NOW });
    await page.timers.advance(2000);
    assert.equal(shown(), "0:02");
  });
});
