// What people see who look elsewhere: the title's mark, and a notification if they asked for it.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, B, Page, badge, container, fakeNotifications, html, settled } from "./page.mjs";

let page;
afterEach(() => page.close());

const WANTED = { stored: { "liveops.notify": "1" } };

async function live(permission, { answer, ...options } = {}) {
  const notifications = permission && fakeNotifications(permission, answer);
  const body = container(A, { title: "Import" });
  page = await Page.plain(body, { notifications, ...options });
  page.socket.open();
  page.snapshot(A, "");
  return notifications;
}

function end(op = A, state = "FINISHED_OK", text = "Succeeded") {
  page.frame(op, 9, html.region(op, "status", badge(state, text), 9));
  page.finished(op, state);
}

const button = (op = A) => page.operation(op).querySelector("[data-liveop-notify]");
const isPressed = (op = A) => button(op).getAttribute("aria-pressed") === "true";

async function press() {
  button().click();
  await settled();
}

describe("the switch for notifications", () => {
  it("is there while there is something to wait for", async () => {
    await live("default");
    assert.equal(button().hidden, false);
    assert.equal(isPressed(), false);
    assert.equal(button().title, "When it ends");
    end();
    assert.equal(button().hidden, true);
  });

  it("is not there on the page of a finished operation", async () => {
    const notifications = fakeNotifications("granted");
    page = await Page.plain(container(A, { state: "FINISHED_OK" }), { notifications });
    assert.equal(button().hidden, true);
  });

  it("is not there in a browser without notifications, and nothing breaks", async () => {
    await live(undefined, WANTED);
    assert.equal(button().hidden, true);
    page.look(false);
    end();
    assert.equal(page.document.title, "✓ Import");
    assert.deepEqual(page.errors, []);
  });

  it("asks the reader only when it is pressed, and remembers the choice", async () => {
    const { shown, ...notifications } = await live("default");
    assert.deepEqual([notifications.asked, shown], [0, []]);
    await press();
    assert.equal(isPressed(), true);
    assert.equal(page.window.localStorage.getItem("liveops.notify"), "1");
    await press();
    assert.equal(isPressed(), false);
    assert.equal(page.window.localStorage.getItem("liveops.notify"), "0");
  });

  it("asks no more once it may", async () => {
    const notifications = await live("granted");
    await press();
    assert.deepEqual([notifications.asked, isPressed()], [0, true]);
  });

  for (const permission of ["default", "denied"]) {
    it(`says that it may not, and stays off (it was ${permission})`, async () => {
      await live(permission, { answer: "denied" });
      await press();
      assert.equal(isPressed(), false);
      assert.equal(button().title, "Not allowed");
      assert.equal(page.window.localStorage.getItem("liveops.notify"), "0");
    });
  }

  it("is on where it was chosen on another page", async () => {
    await live("granted", WANTED);
    assert.equal(isPressed(), true);
  });

  it("is off where the permission was taken back since", async () => {
    await live("denied", WANTED);
    assert.equal(isPressed(), false);
  });

  it("is the same for all operations of a page, and of other tabs", async () => {
    const notifications = fakeNotifications("granted");
    page = await Page.plain(container(A) + container(B), { notifications });
    await press();
    assert.equal(isPressed(B), true);
    page.window.localStorage.setItem("liveops.notify", "0");
    const changed = new page.window.StorageEvent("storage", { key: "liveops.notify" });
    page.window.dispatchEvent(changed);
    assert.deepEqual([isPressed(A), isPressed(B)], [false, false]);
  });

  it("works for this page where nothing can be remembered", async () => {
    const notifications = await live("default", { storage: false });
    await press();
    assert.equal(isPressed(), true);
    page.look(false);
    end();
    assert.equal(notifications.shown.length, 1);
    assert.deepEqual(page.errors, []);
  });
});

describe("a notification", () => {
  it("tells whoever looks elsewhere how it ended; a click leads back", async () => {
    const { shown } = await live("granted", WANTED);
    let focused = 0;
    page.window.focus = () => (focused += 1);
    page.look(false);
    end(A, "FINISHED_ERROR", "Failed");
    assert.deepEqual(shown.map(({ title }) => title), ["Import: Failed"]);
    assert.equal(shown[0].options.tag, A);
    shown[0].onclick();
    assert.deepEqual([focused, shown[0].isClosed], [1, true]);
  });

  it("is not shown to somebody who looks, nor to somebody who did not ask", async () => {
    const looking = await live("granted", WANTED);
    end();
    assert.deepEqual(looking.shown, []);
    page.close();
    const silent = await live("granted");
    page.look(false);
    end();
    assert.deepEqual(silent.shown, []);
  });

  it("is not shown of what was over when the page was opened", async () => {
    const notifications = fakeNotifications("granted");
    page = await Page.plain(container(A, { state: "FINISHED_OK" }), { notifications, ...WANTED });
    page.look(false);
    page.window.liveops.init();
    assert.deepEqual(notifications.shown, []);
  });

  it("is shown before the page leaves for another", async () => {
    const { shown } = await live("granted", WANTED);
    page.look(false);
    page.finished(A, "FINISHED_OK", "/airports/");
    assert.equal(shown.length, 1);
    assert.deepEqual(page.visited, ["/airports/"]);
  });

  it("tells only of the end of a chain", async () => {
    const { shown } = await live("granted", WANTED);
    page.look(false);
    page.frame(A, 1, html.region(A, "status", badge("FINISHED_OK", "Succeeded"), 1));
    page.frame(A, 2, html.next(A, B, { title: "Report" }));
    page.chained(A, B);
    assert.equal(isPressed(B), true);
    assert.deepEqual(shown, []);
    page.snapshot(B, "");
    end(B);
    assert.deepEqual(shown.map(({ title }) => title), ["Report: Succeeded"]);
  });

  it("tells of a chain that is over when its last operation comes", async () => {
    const { shown } = await live("granted", WANTED);
    page.look(false);
    const status = badge("CANCELLED", "Cancelled");
    page.frame(A, 2, html.next(A, B, { title: "Report", state: "CANCELLED", status }));
    page.chained(A, B);
    assert.deepEqual(shown.map(({ title }) => title), ["Report: Cancelled"]);
  });

  it("is not shown of the first of two where the next is on the page already", async () => {
    const notifications = fakeNotifications("granted");
    page = await Page.plain(container(A) + container(B), { notifications, ...WANTED });
    page.socket.open();
    page.snapshot(A, "");
    page.look(false);
    page.chained(A, B);
    assert.deepEqual(notifications.shown, []);
  });

  it("that the browser refuses to make breaks nothing", async () => {
    const Refusing = class {
      static permission = "granted";

      constructor() {
        throw new TypeError("Illegal constructor");
      }
    };
    page = await Page.plain(container(A), { notifications: Refusing, ...WANTED });
    page.socket.open();
    page.look(false);
    end();
    assert.match(page.warnings.join(), /Illegal constructor/);
    assert.equal(page.document.title, "✓ Import");
  });
});

describe("the title", () => {
  it("is marked when all is over, and bare again when something starts again", async () => {
    await live();
    assert.equal(page.document.title, "Import");
    end(A, "FINISHED_ERROR", "Failed");
    assert.equal(page.document.title, "✗ Import");
    page.controlAnswered(page.document.querySelector("#again"), { status: 204 });
    assert.equal(page.document.title, "Import");
  });
});
