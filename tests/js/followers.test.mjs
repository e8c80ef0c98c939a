// What else follows something over the page's socket: a list, a badge.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { A, Page, container } from "./page.mjs";

let page;
afterEach(() => page.close());

/** A follower that notes what it is given. */
function list(options = {}) {
  const follower = { frames: [], states: [], ...options };
  follower.subscribe = { list: "state=STARTED" };
  follower.unsubscribe = { list: "" };
  follower.receive = (frame) => follower.frames.push(frame);
  follower.connection = (state) => follower.states.push(state);
  return follower;
}

const follow = (follower) => page.window.liveops.follow("list", follower);

describe("a follower", () => {
  it("has the socket opened for it, and its question asked", async () => {
    page = await Page.plain("<main></main>");
    const follower = list({ socket: "/elsewhere/" });
    follow(follower);
    assert.equal(page.socket.url, "wss://example.test/elsewhere/");
    page.socket.open();
    assert.deepEqual(page.socket.sent, [{ subscribe: { list: "state=STARTED" } }]);
    assert.deepEqual(follower.states, ["connecting", "live"]);
  });

  it("takes the path of a container if it names none", async () => {
    page = await Page.plain(container(A, { state: "FINISHED_OK" }));
    follow(list());
    assert.equal(page.socket.url, "wss://example.test/ws/liveops/");
  });

  it("asks at once where the socket is open already", async () => {
    page = await Page.plain(container(A));
    page.socket.open();
    follow(list());
    assert.equal(page.sockets.length, 1);
    assert.deepEqual(page.socket.sent.at(-1), { subscribe: { list: "state=STARTED" } });
  });

  it("gets its own frames and no others", async () => {
    page = await Page.plain(container(A));
    const follower = list();
    follow(follower);
    page.socket.open();
    page.socket.deliver({ view: "list", liveop_html: "<li></li>" });
    page.socket.deliver({ view: "badge", liveop_html: "" });
    page.snapshot(A, "");
    page.socket.trouble("bad_frame");
    assert.deepEqual(follower.frames.map((frame) => frame.liveop_html), ["<li></li>"]);
  });

  it("asks again on every new socket, and is told how the old one fared", async () => {
    page = await Page.plain("");
    const follower = list({ socket: "/ws/liveops/" });
    follow(follower);
    page.socket.open();
    page.socket.drop();
    await page.timers.advance(1000);
    page.socket.open();
    assert.deepEqual(page.socket.sent, [{ subscribe: { list: "state=STARTED" } }]);
    assert.deepEqual(follower.states, ["connecting", "live", "offline", "live"]);
  });

  it("is told when sockets are blocked, and when the server refuses", async () => {
    page = await Page.plain("");
    const follower = list({ socket: "/ws/liveops/" });
    follow(follower);
    for (let i = 0; i < 3; i += 1) {
      page.socket.drop();
      await page.timers.advance(page.timers.latest);
    }
    assert.equal(follower.states.at(-1), "blocked");
    const late = list();
    page.window.liveops.follow("badge", late);
    assert.deepEqual(late.states, ["blocked"]);
    page.socket.drop(4403);
    assert.equal(follower.states.at(-1), "refused");
  });

  it("asks again in patience when there were too many requests", async () => {
    page = await Page.plain("");
    follow(list({ socket: "/ws/liveops/" }));
    page.socket.open();
    page.socket.trouble("rate_limited");
    page.socket.trouble("rate_limited");
    assert.equal(page.socket.sent.length, 1);
    await page.timers.advance(2000);
    assert.equal(page.socket.sent.length, 2);
  });

  it("keeps the socket until it is unfollowed", async () => {
    page = await Page.plain(container(A));
    follow(list());
    page.socket.open();
    page.finished(A, "FINISHED_OK");
    assert.equal(page.socket.closedWith, null);
    page.window.liveops.unfollow("list");
    assert.deepEqual(page.socket.sent.at(-1), { unsubscribe: { list: "" } });
    assert.equal(page.socket.closedWith, 1000);
    await page.timers.advance(600000);
    assert.equal(page.sockets.length, 1);
    assert.equal(page.timers.waiting, 0);
  });

  it("leaves the socket to the operations", async () => {
    page = await Page.plain(container(A));
    follow(list());
    page.socket.open();
    page.window.liveops.unfollow("list");
    page.window.liveops.unfollow("list");
    assert.equal(page.socket.closedWith, null);
    assert.equal(page.socket.sent.filter((frame) => frame.unsubscribe).length, 1);
  });
});
