// The record of an operation in Django's admin, below its live page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import { A, Page, container, settled } from "./page.mjs";

const SCRIPT = new URL("../../liveops/static/liveops/liveops-admin.js", import.meta.url);
const PATH = `/admin/liveops/liveoperation/${A}/change/`;

let page;
afterEach(() => page.close());

const body = (text) =>
  `<div id="content-main">${container(A)}<form id="record"><p>${text}</p></form></div>`;

/** Load the page of a record whose operation runs, and answer with another one. */
async function load(answer) {
  page = await Page.plain(body("running"), { path: PATH });
  page.window.eval(readFileSync(SCRIPT, "utf8"));
  page.answerWith(answer);
  page.socket.open();
  page.snapshot(A, "");
}

const record = () => page.document.querySelector("#record")?.textContent;

describe("the record", () => {
  it("is fetched anew when the state changes, and the page stays", async () => {
    await load(`<title>x</title>${body("succeeded")}`);
    page.window.marker = 1;
    const live = page.operation();
    page.finished(A, "FINISHED_OK");
    await settled();
    assert.deepEqual(
      page.fetched.map(({ url }) => url),
      [`https://example.test${PATH}`],
    );
    assert.equal(record(), "succeeded");
    assert.equal(page.operation(), live, "the live page above is not replaced");
    assert.equal(page.window.marker, 1);
  });

  it("is not left for where the operation's own page leads", async () => {
    await load(body("succeeded"));
    page.finished(A, "FINISHED_OK", "/elsewhere/");
    await settled();
    assert.deepEqual(page.visited, []);
    assert.equal(record(), "succeeded");
  });

  it("stays as it is where the answer has none: at the login, or without a server", async () => {
    await load("<form id='login-form'></form>");
    page.finished(A, "FINISHED_OK");
    await settled();
    assert.equal(record(), "running");
    const change = () =>
      page
        .operation()
        .dispatchEvent(new page.window.CustomEvent("liveop:state", { bubbles: true }));
    page.answerWith(null);
    change();
    await settled();
    assert.equal(record(), "running");
    page.answer = () => Promise.reject(new Error("no network"));
    change();
    await settled();
    assert.equal(record(), "running");
    page.answerWith(body("back"));
    change();
    await settled();
    assert.equal(record(), "back");
  });

  it("asks once more, not once each, for changes while it asks", async () => {
    await load("");
    const answers = [];
    page.answer = () => new Promise((resolve) => answers.push(resolve));
    const reply = (text) =>
      answers.shift()({ ok: true, text: () => Promise.resolve(body(text)) });
    const event = () => new page.window.CustomEvent("liveop:state", { bubbles: true });
    for (let i = 0; i < 3; i += 1) page.operation().dispatchEvent(event());
    assert.equal(page.fetched.length, 1);
    reply("old");
    await settled();
    assert.equal(page.fetched.length, 2);
    reply("new");
    await settled();
    assert.equal(page.fetched.length, 2);
    assert.equal(record(), "new");
  });
});
