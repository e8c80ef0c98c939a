// The list: what it asks the socket for, and what it does with the answers.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { badge, frame, list, pushed, row, rows } from "./overview.mjs";
import { A, B, Page, container, settled } from "./page.mjs";

let page;
afterEach(() => page.close());

const indicator = () => page.document.querySelector(".liveop-connection").textContent;
const link = (pk) => page.document.getElementById(`liveops-link-${pk}`);
const asked = (kind, key) => page.socket.sent.filter((one) => one[kind] && key in one[kind]);

async function open(body) {
  page = await Page.load(body);
  page.socket.open();
}

describe("asking", () => {
  it("takes one socket for list, badge and operations", async () => {
    await open(list() + badge() + container(A));
    assert.equal(page.sockets.length, 1);
    assert.deepEqual(asked("subscribe", "list"), [
      {
        subscribe: {
          list: "state=STARTED",
          language: "de",
          zone: "Europe/Berlin",
          mark: "m0",
        },
      },
    ]);
    assert.deepEqual(asked("subscribe", "badge"), [
      { subscribe: { badge: true, language: "de", zone: "", mark: "b0" } },
    ]);
  });

  it("follows and lets go by liveops.init() what no htmx brought or took", async () => {
    page = await Page.load("<main></main>");
    const main = page.document.querySelector("main");
    main.innerHTML = badge();
    page.window.liveops.init();
    page.socket.open();
    assert.equal(asked("subscribe", "badge").length, 1);
    main.replaceChildren();
    page.window.liveops.init(main);
    assert.equal(page.socket.closedWith, 1000);
  });

  it("tells what is shown when the socket opens again", async () => {
    await open(list());
    page.socket.deliver(frame("list", "m1", ""));
    page.socket.drop();
    await page.timers.advance(page.timers.latest);
    page.socket.open();
    assert.equal(page.sockets.length, 2);
    assert.equal(asked("subscribe", "list")[0].subscribe.mark, "m1");
  });

  it("stops while nobody looks, and goes on at once when somebody does", async () => {
    await open(list() + badge());
    page.look(false);
    assert.deepEqual(asked("unsubscribe", "list"), [{ unsubscribe: { list: "state=STARTED" } }]);
    assert.deepEqual(asked("unsubscribe", "badge"), [{ unsubscribe: { badge: true } }]);
    assert.equal(page.socket.closedWith, 1000);
    await page.timers.advance(60000);
    assert.deepEqual([page.sockets.length, page.fetched.length], [1, 0]);
    page.look(true);
    page.socket.open();
    assert.equal(page.sockets.length, 2);
    assert.equal(asked("subscribe", "list").length, 1);
  });

  it("begins with a list that htmx brings, and ends when htmx takes it away", async () => {
    page = await Page.load('<main id="main"></main>');
    const swap = (content) => page.window.htmx.swap("#main", content, { swapStyle: "innerHTML" });
    swap(list());
    page.socket.open();
    assert.equal(asked("subscribe", "list").length, 1);
    swap("<p>nothing live</p>");
    assert.equal(asked("unsubscribe", "list").length, 1);
    assert.equal(page.socket.closedWith, 1000);
  });

  it("leaves the socket to others when it stops", async () => {
    await open(list() + container(A));
    page.look(false);
    assert.equal(page.socket.closedWith, null);
  });

  it("gives up when there is nothing to see any more", async () => {
    await open(list());
    page.socket.deliver({ view: "list", op: null, error: "not_found", detail: "Not for you." });
    assert.equal(indicator(), "Not for you.");
    assert.equal(page.socket.closedWith, 1000);
    page.look(false);
    page.look(true);
    await page.timers.advance(60000);
    assert.deepEqual([page.sockets.length, page.fetched.length], [1, 0]);
  });

  it("leaves alone what goes wrong for somebody else", async () => {
    await open(list() + container(A));
    page.socket.trouble("rate_limited");
    page.socket.trouble("not_found", A);
    assert.equal(page.socket.closedWith, null);
    page.socket.deliver(frame("list", "m1", pushed(row(A, "still here"))));
    assert.equal(link(A).textContent, "still here");
  });
});

describe("showing", () => {
  it("replaces single rows and leaves the others alone", async () => {
    await open(list());
    const [one, two] = [link(A), link(B)];
    page.socket.deliver(frame("list", "m1", pushed(row(A, "changed"))));
    assert.equal(link(A).textContent, "changed");
    assert.notEqual(link(A), one);
    assert.equal(link(B), two);
  });

  it("replaces the whole list", async () => {
    await open(list());
    page.socket.deliver(frame("list", "m1", pushed(rows(row(B, "first"), row(A, "second")))));
    assert.deepEqual(
      [...page.document.querySelectorAll("li a")].map((one) => one.textContent),
      ["first", "second"],
    );
  });

  it("keeps the keyboard where it is", async () => {
    await open(list());
    link(A).focus();
    page.socket.deliver(frame("list", "m1", pushed(row(A, "changed"))));
    assert.equal(page.document.activeElement, link(A));
    page.socket.deliver(frame("list", "m2", pushed(rows(row(B, "two"), row(A, "again")))));
    assert.equal(page.document.activeElement, link(A));
    assert.equal(link(A).textContent, "again");
  });

  it("keeps what is being typed, and open what the reader opened", async () => {
    const menu = '<details id="menu"><summary>More</summary></details>';
    await open(list(rows(row(A, "one", menu))));
    const search = page.document.getElementById("search");
    search.value = "half a wo";
    search.focus();
    page.document.getElementById("menu").open = true;
    page.socket.deliver(frame("list", "m1", pushed(rows(row(A, "changed", menu)))));
    assert.equal(page.document.activeElement, search);
    assert.equal(search.value, "half a wo");
    assert.ok(page.document.getElementById("menu").open);
    page.document.getElementById("menu").open = false;
    page.socket.deliver(frame("list", "m2", pushed(row(A, "once more", menu))));
    assert.ok(!page.document.getElementById("menu").open);
  });

  it("drops what has no place on the page", async () => {
    await open(list());
    const strange = "99999999-9999-4999-8999-999999999999";
    const html = pushed(row(strange, "strange")) + pushed(row(A, "changed"));
    page.socket.deliver(frame("list", "m1", html));
    assert.equal(link(strange), null);
    assert.equal(link(A).textContent, "changed");
    assert.deepEqual(page.errors, []);
  });

  it("touches nothing when nothing changed", async () => {
    await open(list());
    const before = link(A);
    page.socket.deliver(frame("list", "m0", ""));
    assert.equal(link(A), before);
  });

  it("tells the clocks the server's time and lets those of new rows go", async () => {
    await open(list());
    const clock = '<time data-liveop-since="100">0:00</time>';
    page.socket.deliver(frame("list", "m1", pushed(row(A, "one", clock)), { now: 110 }));
    await settled();
    assert.equal(page.document.querySelector("time").textContent, "0:10");
    await page.timers.advance(3000);
    assert.equal(page.document.querySelector("time").textContent, "0:13");
  });
});
