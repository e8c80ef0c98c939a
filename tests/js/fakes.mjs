// What stands in for the browser and for time: timers, sockets, notifications, a log.

/** Timers that run when `advance` says so, and the clock that goes with them. */
export class FakeTimers {
  #now = 0;
  #asleep = 0;
  #next = 1;
  #pending = new Map();

  setTimeout = (callback, delay, ...parameters) => {
    this.#pending.set(this.#next, { at: this.#now + delay, callback, parameters });
    this.#next += 1;
    return this.#next - 1;
  };

  clearTimeout = (timer) => void this.#pending.delete(timer);

  /** What the clock shows, in ms. */
  now = () => this.#now + this.#asleep;

  /** Let `ms` pass in which no timer runs, as when the computer sleeps. */
  sleep(ms) {
    this.#asleep += ms;
  }

  /** How many timers wait. */
  get waiting() {
    return this.#pending.size;
  }

  /** How long the pending timer that was set last still has to wait, in ms. */
  get latest() {
    return [...this.#pending.values()].at(-1).at - this.#now;
  }

  /** Let `ms` pass: everything due runs in order, and what it promises settles. */
  async advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#pending].filter(([, { at }]) => at <= end);
      if (!due.length) break;
      const [timer, { at, callback, parameters }] = due.sort((a, b) => a[1].at - b[1].at)[0];
      this.#pending.delete(timer);
      this.#now = at;
      callback(...parameters);
      await settled();
    }
    this.#now = end;
  }
}

/** Let everything that is already resolved go on. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A WebSocket as far as liveops.js uses one. */
export class FakeSocket {
  readyState = 0;
  sent = [];
  closedWith = null;

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.readyState = 3;
    this.closedWith = code;
    this.onclose?.({ code });
  }

  open() {
    this.readyState = 1;
    this.onopen();
  }

  drop(code = 1006) {
    this.readyState = 3;
    this.onclose({ code });
  }

  deliver(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  /** Say something that is not of any operation. */
  trouble(error, op = null) {
    this.deliver({ op, error, detail: "The reason." });
  }

  /** Frames of one kind that the page sent, for one operation. */
  asked(kind, op) {
    return this.sent.filter((frame) => frame[kind]?.op === op).map((frame) => frame[kind]);
  }
}

/** A log as liveops.js knows it: what was asked of it, and answers to give. */
export class FakeLog {
  calls = [];
  lasts = {};
  attach = (container) => void this.calls.push(`attach ${container.dataset.liveop}`);
  applied = (container) => void this.calls.push(`applied ${container.dataset.liveop}`);
  reset = (container) => void this.calls.push(`reset ${container.dataset.liveop}`);
  lastLine = (container) => this.lasts[container.dataset.liveop] ?? 0;

  /** Hold back whole lists of lines, as the real one does. */
  take = (container, content, hold) => {
    const lists = hold ? [...content.querySelectorAll("[data-log]")] : [];
    lists.forEach((list) => list.remove());
    return lists.map((list) => list.outerHTML);
  };
}

/** The browser's notifications: which were shown, and what the reader answers when asked. */
export function fakeNotifications(permission, answer = "granted") {
  return class FakeNotification {
    static permission = permission;
    static asked = 0;
    static shown = [];

    static requestPermission() {
      FakeNotification.asked += 1;
      FakeNotification.permission = answer;
      return Promise.resolve(answer);
    }

    constructor(title, options) {
      Object.assign(this, { title, options, isClosed: false });
      FakeNotification.shown.push(this);
    }

    close() {
      this.isClosed = true;
    }
  };
}
