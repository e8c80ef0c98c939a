// A list and a badge as the server renders them, and what it sends of them.
import { A, B } from "./page.mjs";

export const row = (pk, text, rest = "") =>
  `<li id="liveops-row-${pk}"><a id="liveops-link-${pk}" href="/live/${pk}/">${text}</a>${rest}</li>`;
export const pushed = (html) => html.replace(/^<\w+ /, (start) => `${start}hx-swap-oob="true" `);
export const rows = (...inner) => `<div id="liveops-rows"><ul>${inner.join("")}</ul></div>`;

export function list(inner = rows(row(A, "one"), row(B, "two")), { query = "state=STARTED" } = {}) {
  const live = query === null ? "" : `data-liveops-query="${query}" data-liveop-socket="/ws/liveops/"`;
  return `<div data-liveops-view="list" data-liveops-url="?fragments=1&state=STARTED"
    data-liveops-mark="m0" data-liveops-language="de" data-liveops-zone="Europe/Berlin" ${live}>
    <form><input id="search" name="q"></form>${inner}
    <p class="liveop-connection" data-text-blocked="Every 5 seconds" data-text-offline="Lost"
      data-text-refused="Refused" data-text-incomplete="Incomplete"></p></div>`;
}

export const words = (text, isActive = true) =>
  `<a id="liveops-badge-list" href="/live/"${isActive ? " data-liveops-active" : ""}>${text}</a>`;

export function badge(inner = words("2 running")) {
  return `<nav id="liveops-badge" data-liveops-view="badge" data-liveops-url="/live/badge/"
    data-liveops-mark="b0" data-liveops-language="de" data-liveop-socket="/ws/liveops/">${inner}</nav>`;
}

export const newBadge = (inner) => `<div hx-swap-oob="innerHTML:#liveops-badge">${inner}</div>`;
export const frame = (view, mark, html, more) => ({ view, mark, now: 1, liveop_html: html, ...more });
