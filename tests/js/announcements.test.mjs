// What people hear who listen to the page: one sentence for each stage, and one at the end.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, B, Page, badge, container, html, lines, steps } from "./page.mjs";

let page;
afterEach(() => page.close());

const STAGES = ["Load", "Validate", "Save"];
let heard;

/** Note every sentence that the live region of an operation is given. */
function listen(op = A) {
  heard = [];
  const announcer = page.operation(op).querySelector(".liveop-announcer");
  new page.window.MutationObserver(() => heard.push(announcer.textContent)).observe(announcer, {
    childList: true,
    characterData: true,
    subtree: true,
  });
}

const at = (name, op = A) => html.region(op, "stages", steps(STAGES, name));

async function running(stage = "Load") {
  page = await Page.plain(container(A, { title: "Import", stages: steps(STAGES, stage) }));
  listen();
  page.socket.open();
  page.snapshot(A, at(stage));
}

async function settle() {
  await page.timers.advance(0);
  await new Promise((resolve) => setImmediate(resolve));
}

describe("an announcement", () => {
  it("tells of a stage when it becomes active, once", async () => {
    await running();
    page.frame(A, 1, at("Validate"));
    page.frame(A, 2, at("Validate"));
    await settle();
    assert.deepEqual(heard, ["Stage 2 of 3: Validate"]);
    page.frame(A, 3, at("Save"));
    page.frame(A, 4, at("Validate"));
    await settle();
    assert.deepEqual(heard.slice(1), ["Stage 3 of 3: Save"]);
  });

  it("is not made when the page is opened, nor of a stage that was active then", async () => {
    await running("Validate");
    page.frame(A, 1, at("Validate"));
    await settle();
    assert.deepEqual(heard, []);
  });

  it("is not made of progress, log, or what becomes of the connection", async () => {
    await running();
    page.frame(A, 1, html.region(A, "progress", "50 %", 1) + html.append(A, lines(1, 3)));
    page.frame(A, 2, html.region(A, "status", "At work", 2));
    page.socket.drop();
    await page.timers.advance(1000);
    page.socket.open();
    page.snapshot(A, at("Load"));
    await settle();
    assert.deepEqual(heard, []);
  });

  it("is made at the end, in the words of the badge", async () => {
    await running();
    page.frame(A, 1, html.region(A, "status", badge("FINISHED_ERROR", " Failed "), 1));
    page.finished(A, "FINISHED_ERROR");
    await settle();
    assert.deepEqual(heard, ["Import: Failed"]);
  });

  it("is made of an end for which the page has no words", async () => {
    await running();
    page.finished(A, "CANCELLED");
    await settle();
    assert.deepEqual(heard, ["Import: CANCELLED"]);
  });

  it("is made again of the stages of an operation that is started again", async () => {
    await running();
    page.finished(A, "FINISHED_ERROR");
    page.controlAnswered(page.document.querySelector("#again"), { status: 204 });
    page.snapshot(A, at("Load"));
    await settle();
    assert.equal(heard.at(-1), "Stage 1 of 3: Load");
  });

  it("is made of the stages of the next operation in a chain, not of the end before", async () => {
    await running();
    page.frame(A, 1, html.region(A, "status", badge("FINISHED_OK", "Succeeded"), 1));
    page.frame(A, 2, html.next(A, B, { title: "Report", stages: steps(STAGES, "Load") }));
    listen(B);
    page.chained(A, B);
    page.snapshot(B, at("Load", B));
    await settle();
    assert.deepEqual(heard, ["Stage 1 of 3: Load"]);
  });

  it("leaves names as they are, braces and all", async () => {
    await running();
    const names = ["{total}", "<b>$&</b>"];
    page.frame(A, 1, html.region(A, "stages", steps(names.slice(0, 1), names[0])));
    await settle();
    assert.deepEqual(heard, ["Stage 1 of 1: {total}"]);
  });

  it("is not missed on a page without stages or without a place for it", async () => {
    page = await Page.plain(container(A, { title: "Import" }));
    page.operation().querySelector(".liveop-announcer").remove();
    page.socket.open();
    page.snapshot(A, at("Load"));
    page.finished(A, "FINISHED_OK");
    assert.equal(page.operation().dataset.liveopState, "FINISHED_OK");
    assert.deepEqual(page.errors, []);
  });
});
