// What docs/reference/javascript.md shows does what it says, on a page that is followed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import { A, Page, container, html } from "./page.mjs";

const PAGE = new URL("../../docs/reference/javascript.md", import.meta.url);
const [, LISTENER] = /^```js\n(document\.addEventListener\("liveop:state"[^]*?)^```$/m.exec(
  readFileSync(PAGE, "utf8"),
);

describe("the page about JavaScript", () => {
  let page;
  afterEach(() => page.close());

  it("a listener hears of the states of operations", async () => {
    page = await Page.plain(container(A, { title: "Import" }));
    page.window.eval(LISTENER);
    page.socket.open();
    page.snapshot(A, html.region(A, "status", "at work"));
    assert.deepEqual(page.warnings, []);
    page.finished(A, "FINISHED_ERROR");
    assert.deepEqual(page.warnings, ["Import failed"]);
  });
});
