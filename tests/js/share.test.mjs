// The page that a share link opens: the token leaves the address at once, and goes into a form.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import { JSDOM } from "jsdom";
import { A } from "./markup.mjs";

const SCRIPT = new URL("../../liveops/static/liveops/liveops-share.js", import.meta.url);
const PATH = `/live/${A}/shared/`;
const TOKEN = "kJ2b:1tq-_9:Zm9v";
const FORM = `<p data-liveops-opening hidden>Opening</p>
  <form data-liveops-share><input name="token"></form>`;

let dom;
let sent;
afterEach(() => dom.window.close());

/** Open the page with this after its path; its script runs before there is a body. */
async function open(rest, body = FORM) {
  dom = new JSDOM(`<!DOCTYPE html><script>x</script>${body}`, {
    url: `https://example.test${PATH}${rest}`,
    runScripts: "outside-only",
  });
  const { window } = dom;
  sent = [];
  window.eval(readFileSync(SCRIPT, "utf8"));
  const asRead = window.location.href;
  window.liveops.submit = (form) => sent.push(form.elements.token.value);
  await new Promise((done) => window.document.addEventListener("DOMContentLoaded", done));
  return asRead;
}

const form = () => dom.window.document.querySelector("form");
const opening = () => dom.window.document.querySelector("[data-liveops-opening]");

describe("a share link", () => {
  it("leaves the address as soon as the script runs, and the history", async () => {
    const address = await open(`#${TOKEN}`);
    assert.equal(address, `https://example.test${PATH}`);
    assert.equal(dom.window.history.length, 1);
  });

  it("is sent by the form, which makes room for a word that it is", async () => {
    await open(`#${TOKEN}`);
    assert.deepEqual(sent, [TOKEN]);
    assert.deepEqual([form().hidden, opening().hidden], [true, false]);
  });

  it("keeps a query of the address", async () => {
    assert.equal(await open(`?from=mail#${TOKEN}`), `https://example.test${PATH}?from=mail`);
  });

  it("is read as it was before a program escaped it", async () => {
    await open(`#${encodeURIComponent(TOKEN)}`);
    assert.deepEqual(sent, [TOKEN]);
  });

  it("with a broken escape is sent as it is, for the server to refuse", async () => {
    const address = await open("#50%");
    assert.deepEqual(sent, ["50%"]);
    assert.equal(address, `https://example.test${PATH}`);
  });

  it("that is pasted into the address bar of the open page is taken, too", async () => {
    await open("");
    dom.window.location.hash = TOKEN;
    await new Promise((done) => dom.window.addEventListener("hashchange", done));
    assert.deepEqual(sent, [TOKEN]);
    assert.equal(dom.window.location.href, `https://example.test${PATH}`);
  });
});

describe("without a link", () => {
  for (const rest of ["", "#"])
    it(`the form waits for somebody to fill it: ${rest || "nothing"}`, async () => {
      await open(rest);
      assert.deepEqual(sent, []);
      assert.deepEqual([form().hidden, opening().hidden], [false, true]);
    });

  it("a page of a project's own without the form does nothing", async () => {
    await open(`#${TOKEN}`, "<p>Nothing here</p>");
    assert.deepEqual(sent, []);
  });

  it("a page without a word for it sends it all the same", async () => {
    await open(`#${TOKEN}`, FORM.replace(/<p.*<\/p>/, ""));
    assert.deepEqual(sent, [TOKEN]);
  });
});

it("a page that comes back from the history has its form again", async () => {
  await open(`#${TOKEN}`);
  const show = (persisted) => {
    const event = new dom.window.Event("pageshow");
    dom.window.dispatchEvent(Object.assign(event, { persisted }));
  };
  show(false);
  assert.equal(form().hidden, true);
  show(true);
  assert.deepEqual([form().hidden, opening().hidden], [false, true]);
});
