/**
 * The one socket of a page, shared by everything on it that is live: kept open while somebody
 * follows, opened again when it closes, and looked at after the computer slept. Where it does not
 * get through, or for what is not pushed, there is a way to fetch.
 *
 * @typedef {"connecting"|"live"|"offline"|"blocked"|"refused"} ConnectionState "offline": gone, an
 *   attempt is due; "blocked": several in a row failed, so fetch instead; "refused": for good
 * @typedef {object} Follower
 * @property {string} [socket] path of the socket; left out, the one of a container on the page
 * @property {object} [subscribe] sent as `{"subscribe": …}` whenever the socket opens
 * @property {() => void} [opened] called instead, by whoever asks in a way of its own
 * @property {object} [unsubscribe] sent as `{"unsubscribe": …}` when it is unfollowed
 * @property {(frame: object) => void} receive takes the frames whose `view` or `op` is its key
 * @property {(frame: object) => void} [trouble] takes an error that is addressed to nobody
 * @property {(state: ConnectionState) => void} [connection] is told how the socket fares
 */
(function () {
  "use strict";
  const [MIN_DELAY_MS, MAX_DELAY_MS, ASK_AGAIN_MS, BLOCKED_AFTER] = [500, 30000, 2000, 3];
  const [BEAT_MS, SLEPT_MS, SLEPT_HIDDEN_MS, ANSWER_MS] = [10000, 30000, 120000, 5000];
  const [POLICY_REFUSAL, NOTHING_WATCHED, TOO_MANY_SOCKETS] = [4403, 4408, 4429];
  const PATIENT = 6; // failures after which the wait is up to the longest

  /** Give the wait before the next attempt in ms: full jitter below a doubling, capped ceiling. */
  function reconnectDelay(failures, random) {
    const ceiling = Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** failures);
    return MIN_DELAY_MS + random() * (ceiling - MIN_DELAY_MS);
  }

  const followers = /** @type {Map<string, Follower>} */ (new Map());
  const timers = { retry: null, beat: null, answer: null, again: null };
  let [socket, failures, refused, beatAt] = [null, 0, false, 0];

  function stop(name) {
    liveops.timers.clearTimeout(timers[name]);
    timers[name] = null;
  }

  function start(name, callback, delay) {
    stop(name);
    timers[name] = liveops.timers.setTimeout(() => {
      timers[name] = null;
      callback();
    }, delay);
  }

  /** Send a message; without an open socket it is dropped, for an open one asks anew anyway. */
  function send(message) {
    if (socket?.readyState === 1) socket.send(JSON.stringify(message));
  }

  function connectionState() {
    if (refused) return "refused";
    if (socket?.readyState === 1) return "live";
    if (failures >= BLOCKED_AFTER) return "blocked";
    return failures ? "offline" : "connecting";
  }

  /** Have one follower ask for what it follows, on the open socket. */
  function open(follower) {
    if (follower.opened) follower.opened();
    else send({ subscribe: follower.subscribe });
    follower.connection?.("live");
  }

  const everybody = (callback) => [...followers.values()].forEach(callback);

  function socketPath() {
    const named = [...followers.values()].find(({ socket: path }) => path);
    return named?.socket ?? document.querySelector("[data-liveop-socket]")?.dataset.liveopSocket;
  }

  /** Open the socket now, whatever the wait that is under way, if anybody needs it. */
  function connect() {
    stop("retry");
    const path = socketPath();
    if (socket || refused || !followers.size || !path) return;
    const opened = liveops.socketFactory(new URL(path, location.href).href.replace(/^http/, "ws"));
    socket = opened;
    opened.onopen = () => socket === opened && everybody(open);
    opened.onmessage = ({ data }) => socket === opened && receive(JSON.parse(data));
    opened.onclose = ({ code }) => socket === opened && lose(code);
  }

  /** The socket is gone: try again, unless the server refused us. */
  function lose(code) {
    const isAskedToWait = code === NOTHING_WATCHED || code === TOO_MANY_SOCKETS;
    failures = isAskedToWait ? Math.max(failures + 1, PATIENT) : failures + 1;
    socket = null;
    refused = code === POLICY_REFUSAL;
    ["answer", "again"].forEach(stop);
    everybody((follower) => follower.connection?.(connectionState()));
    if (!refused) start("retry", connect, reconnectDelay(failures, liveops.random));
  }

  function receive(frame) {
    const key = frame.view ?? frame.op ?? null;
    failures = 0;
    stop("answer");
    if (key !== null) return void followers.get(key)?.receive(frame);
    everybody((follower) => follower.trouble?.(frame));
    const simple = () => everybody((follower) => follower.opened || open(follower));
    if (frame.error === "rate_limited") start("again", simple, ASK_AGAIN_MS);
  }

  /** Make sure after a pause that the connection still stands: whoever is there answers. */
  function wake() {
    if (!socket) return connect();
    if (timers.answer !== null) return;
    if (socket.readyState === 1) everybody(open);
    start("answer", replace, ANSWER_MS);
  }

  function replace() {
    const dead = socket;
    socket = null;
    dead.close();
    connect();
  }

  /** Notice that the computer slept: the clock has gone further than the timer. */
  function beat() {
    const now = liveops.now();
    const slept = now - beatAt > (document.hidden ? SLEPT_HIDDEN_MS : SLEPT_MS) + BEAT_MS;
    beatAt = now;
    if (!followers.size) return stop("beat");
    start("beat", beat, BEAT_MS);
    if (slept) wake();
  }

  /**
   * Follow something over the page's socket from now on.
   * @param {string} key an operation's id, or the `view` that the frames carry
   * @param {Follower} follower takes the place of one with the same key
   */
  function follow(key, follower) {
    followers.set(key, follower);
    if (timers.beat === null) beatAt = liveops.now();
    beat();
    if (socket?.readyState === 1) open(follower);
    else follower.connection?.(connectionState());
    if (!socket && timers.retry === null) connect();
  }

  /** Stop following; the socket stays until {@link settle}. */
  function leave(key) {
    const follower = followers.get(key);
    if (follower && followers.delete(key)) send({ unsubscribe: follower.unsubscribe });
  }

  /** Close the socket if nobody needs it any more. */
  function settle() {
    if (followers.size) return;
    Object.keys(timers).forEach(stop);
    const last = socket;
    socket = null;
    last?.close(1000);
  }

  function unfollow(key) {
    leave(key);
    settle();
  }

  /** Fetch JSON; a refusal or an outage is warned of, and thrown on. */
  async function fetchJson(url, headers = {}) {
    try {
      const options = { cache: "no-cache", headers: { Accept: "application/json", ...headers } };
      const response = await window.fetch(url, options);
      if (!response.ok) throw response.status;
      return await response.json();
    } catch (error) {
      console.warn("liveops: nothing from", url, error);
      throw error;
    }
  }

  const liveops = { timers: window, now: () => Date.now(), random: Math.random };
  liveops.socketFactory = (url) => new WebSocket(url);
  window.liveops = Object.assign(liveops, { follow, unfollow, reconnectDelay, fetchJson });
  liveops.socket = { send, leave, settle, connect };

  window.addEventListener("online", wake);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !followers.size) return;
    if (!socket) connect();
    beat();
  });
})();
