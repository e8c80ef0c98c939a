/**
 * Keeps the record of an operation in Django's admin up to date: whenever the live page above it
 * changes its state, the fields and tables below are fetched anew. The page itself stays.
 */
(function () {
  "use strict";
  const RECORD = "#content-main > form";
  let [fetching, again] = [false, false];

  /** Fetch this page and put its record in the place of the one shown. */
  async function refresh() {
    again = fetching;
    if (fetching) return;
    fetching = true;
    const html = await window
      .fetch(location.href, { cache: "no-store" })
      .then((response) => (response.ok ? response.text() : ""))
      .catch(() => "");
    // A page without a record, the login say, leaves the one that is shown.
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(RECORD);
    if (fresh) document.querySelector(RECORD)?.replaceWith(document.adoptNode(fresh));
    fetching = false;
    if (again) await refresh();
  }

  document.addEventListener("liveop:state", refresh);
  // Somebody who reads a record is not sent to where the operation's own page leads.
  if (window.liveops) window.liveops.navigate = () => {};
})();
