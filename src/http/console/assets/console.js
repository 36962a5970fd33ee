// What JavaScript adds for comfort: copying, and times in the reader's zone. Every page works without it.
(() => {
  "use strict";

  const said = document.getElementById("said");
  const local = new Intl.DateTimeFormat("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });

  function localTimes(within) {
    for (const time of within.querySelectorAll("time[datetime]:not([title])")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.title = time.textContent;
      time.textContent = local.format(at);
    }
  }

  function showCopyButtons(within) {
    if (!navigator.clipboard) return;
    for (const button of within.querySelectorAll("button[data-copy]")) button.hidden = false;
  }

  // Says it to screen readers and on the button, which then is what it was.
  function say(button, text) {
    button.dataset.label ??= button.textContent;
    button.textContent = text;
    button.classList.add("copied");
    if (said) said.textContent = text;
    clearTimeout(Number(button.dataset.timer));
    button.dataset.timer = setTimeout(() => {
      button.textContent = button.dataset.label;
      button.classList.remove("copied");
      if (said) said.textContent = "";
    }, 2000);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element && event.target.closest("button[data-copy]");
    if (!button) return;
    const named = button.dataset.copy;
    const source = named ? document.querySelector(named) : button.previousElementSibling;
    if (!source) return;
    try {
      await navigator.clipboard.writeText(source.textContent);
      say(button, "Copied");
    } catch {
      // Selected, it can be copied by hand.
      getSelection().selectAllChildren(source);
      say(button, "Press Ctrl+C");
    }
  });

  // What refreshes itself waits while somebody is in it, has opened or marked something there, or does not look.
  function isInUse(part) {
    const marked = getSelection();
    const isMarked = marked && !marked.isCollapsed && part.contains(marked.anchorNode);
    return document.hidden || isMarked || part.contains(document.activeElement) || part.querySelector("details[open]") !== null;
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (part.matches("[data-live]") && isInUse(part)) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    if (part.matches("[data-live]") && isInUse(part)) event.detail.shouldSwap = false;
  });

  // A file is read here and put into the field, where it is seen and sent like what is typed.
  document.addEventListener("change", async (event) => {
    const input = event.target instanceof Element && event.target.closest("input[data-read-into]");
    const file = input && input.files[0];
    const field = file && document.querySelector(input.dataset.readInto);
    if (!field) return;
    field.value = await file.text();
    if (said) said.textContent = "The file is in the field above.";
  });

  // After a second click the browser would show the answer to the second request, and the first may have told a secret.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.elements.once) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 5000);
  });

  // Whoever types is there: the session is not to end under a long text. The page itself is asked for, without its content.
  const TOLD_EVERY = 4 * 60 * 1000;
  let told = Date.now();
  document.addEventListener("input", () => {
    if (Date.now() - told < TOLD_EVERY) return;
    told = Date.now();
    fetch(location.href, { method: "HEAD" }).catch(() => {});
  });

  function showWhatNeedsScripts(within) {
    for (const part of within.querySelectorAll("[data-script]")) part.hidden = false;
  }

  function dress(within) {
    localTimes(within);
    showWhatNeedsScripts(within);
    showCopyButtons(within);
  }

  // Not when something is swapped: what is told of then may be what was swapped out.
  document.addEventListener("htmx:load", (event) => dress(event.detail.elt));
  dress(document);
  const zone = document.getElementById("zone");
  const { timeZone } = local.resolvedOptions();
  if (zone && timeZone !== "UTC") zone.textContent = "Times are in your zone, " + timeZone + "; point at one to see it in UTC.";
})();
