// What a server renders and sends, as far as the scripts look at it.

export const A = "11111111-1111-4111-8111-111111111111";
export const B = "22222222-2222-4222-8222-222222222222";
export const C = "33333333-3333-4333-8333-333333333333";

export function line(n, text = `line ${n}`) {
  return `<li data-n="${n}">${text}</li>`;
}

export function lines(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => line(from + i)).join("");
}

export const badge = (state, text) =>
  `<span class="liveop-badge" data-state="${state}">${text}</span>`;

/** Steps as the stepper shows them: those before the active one, and those after. */
export function steps(names, active) {
  const current = (name) => (name === active ? ' aria-current="step"' : "");
  const step = (name) => `<li${current(name)}><a class="liveop-step-name">${name}</a></li>`;
  return `<ol class="liveop-steps">${names.map(step).join("")}</ol>`;
}

export function container(op, options = {}) {
  const { state = "STARTED", token = "", log = "", title = "", now = "", ...rest } = options;
  const { attributes = "", status = "", stages = "", inner = "" } = rest;
  return `<section id="op-${op}" class="liveop" data-liveop="${op}" data-liveop-state="${state}"
    data-liveop-socket="/ws/liveops/" data-liveop-token="${token}" data-liveop-title="${title}"
    data-liveop-now="${now}" data-liveop-snapshot-url="/live/${op}/snapshot/" ${attributes}>
    <div id="op-status">${status}</div>
    <p class="liveop-connection" data-text-live="Live" data-text-connecting="Connecting"
      data-text-offline="Offline" data-text-polling="Polling" data-text-refused="Refused"
      data-text-failed="Failed" data-text-incomplete="Incomplete"></p>
    <button data-liveop-notify type="button" data-text-title="When it ends"
      data-text-denied="Not allowed" hidden>Notify me</button>
    <p class="liveop-announcer" aria-live="polite" data-text-end="{title}: {state}"
      data-text-stage="Stage {number} of {total}: {name}"></p>
    <div id="op-controls"><form id="form"></form><form id="again" data-liveop-restart></form>
      <form id="on" data-liveop-resume></form></div>
    <div id="op-progress"></div><div id="op-result"></div><div id="op-next"></div>
    <div id="op-stages">${stages}</div>
    <button data-liveop-follow type="button"></button>
    <div id="op-log" tabindex="0"><ol class="liveop-log-lines">${log}</ol></div>${inner}
  </section>`;
}

/** The fragments that a server sends. */
export const html = {
  region: (op, name, inner, seq) =>
    `<div id="op-${name}"${seq === undefined ? "" : ` data-seq="${seq}"`} ` +
    `hx-swap-oob="innerHTML:#op-${op} #op-${name}">${inner}</div>`,
  append: (op, inner) =>
    `<ol data-log hx-swap-oob="beforeend:#op-${op} #op-log .liveop-log-lines">${inner}</ol>`,
  replace: (op, inner) =>
    html.region(op, "log", `<ol class="liveop-log-lines">${inner}</ol>`),
  /** The next operation's container, to take the place of one, and the head of its page. */
  next: (from, op, options) =>
    container(op, { ...options, attributes: `hx-swap-oob="outerHTML:#op-${from}"` }) +
    `<header data-liveop-head="${op}" hx-swap-oob="outerHTML:[data-liveop-head='${from}']">` +
    `<h1>${options?.title ?? ""}</h1></header>`,
};
