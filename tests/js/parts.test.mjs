// The parts of a page that are an operation's own, filled by p.html() and p.swap().
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, B, Page, container } from "./page.mjs";

let page;
afterEach(() => page.close());

const part = (op, target, inner, mode = "innerHTML") =>
  `<div data-swap hx-swap-oob="${mode}:#op-${op} ${target}">${inner}</div>`;

const text = (selector) => page.document.querySelector(selector).textContent;

describe("an operation's own part", () => {
  it("is filled in the container of its operation only", async () => {
    const slot = (op) => container(op).replace("</section>", '<p class="chart"></p></section>');
    page = await Page.plain(slot(A) + slot(B));
    page.socket.open();
    page.snapshot(A, "");
    page.frame(A, 1, part(A, ".chart", "<b>A</b>"));
    assert.equal(text(`#op-${A} .chart b`), "A");
    assert.equal(text(`#op-${B} .chart`), "");
  });

  it("is found elsewhere on the page if the container has none", async () => {
    page = await Page.plain(`<p id="chart"></p>${container(A)}`);
    page.socket.open();
    page.snapshot(A, "");
    page.frame(A, 1, part(A, "#chart", "one"));
    page.frame(A, 2, part(A, "#chart", "<i>two</i>", "beforeend"));
    assert.equal(text("#chart"), "onetwo");
  });

  it("is replaced whole by outerHTML", async () => {
    page = await Page.plain(`<p id="chart"></p>${container(A)}`);
    page.socket.open();
    page.snapshot(A, "");
    page.frame(A, 1, part(A, "#chart", '<em id="chart">new</em>', "outerHTML"));
    assert.equal(page.document.querySelector("#chart").outerHTML, '<em id="chart">new</em>');
  });

  it("that the page does not have is passed over without an error", async () => {
    page = await Page.plain(container(A));
    const errors = [];
    page.document.addEventListener("htmx:oobErrorNoTarget", () => errors.push("no target"));
    page.socket.open();
    page.snapshot(A, "");
    page.frame(A, 1, part(A, "#chart", "one"));
    assert.deepEqual(errors, []);
  });

  it("shows what was put there before the page was opened", async () => {
    const kept = `<template data-liveop-swaps>${part(A, "#chart", "kept")}</template>`;
    page = await Page.plain(
      `<p id="chart"></p>${container(A, { state: "FINISHED_OK" }).replace("</section>", `${kept}</section>`)}`,
    );
    assert.equal(text("#chart"), "kept");
  });
});
