/**
 * Takes the token of a share link out of the address and sends it to the server, in the form of
 * the page. No server, proxy or other page ever sees what stands behind the # of an address.
 */
(function () {
  "use strict";
  const { liveops = {} } = window;

  /** Undo what programs do to addresses when they pass them on. */
  function decode(text) {
    try {
      return decodeURIComponent(text);
    } catch (error) {
      console.debug("liveops: the link is taken as it is,", error);
      return text;
    }
  }

  /** Take the token out of the address bar and out of the history; empty if there is none. */
  function take() {
    const token = decode(location.hash.slice(1));
    if (token) history.replaceState(history.state, "", location.pathname + location.search);
    return token;
  }

  /** Show the form, or a word that the operation is being opened. */
  function show(isOpening) {
    const [form, word] = ["share", "opening"].map((name) =>
      document.querySelector(`[data-liveops-${name}]`),
    );
    if (form) form.hidden = isOpening;
    if (word) word.hidden = !isOpening;
    return form;
  }

  /** Send a token; a page that is still loading is replaced in the history by what follows. */
  function send(token) {
    const form = token && show(true);
    if (!form) return;
    form.elements.token.value = token;
    liveops.submit(form);
  }

  window.liveops = Object.assign(liveops, { submit: (form) => form.submit() });
  // At once, whatever of the page is still to come.
  const token = take();
  document.addEventListener("DOMContentLoaded", () => send(token));
  window.addEventListener("hashchange", () => send(take()));
  // A page that comes back from the history, say after a link that was refused, is as it was.
  window.addEventListener("pageshow", ({ persisted }) => persisted && show(false));
})();
