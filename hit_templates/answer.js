"use strict";
// What both pages share: where the answer goes, how long it took, why it cannot be sent yet, and the picture viewer.
// The page runs in a sandboxed frame of an opaque origin, so nothing is stored and nothing is fetched.

const find = (id) => document.getElementById(id);
const words = JSON.parse(find("words").textContent);
const form = find("answer");

// Fills the {names} of one of the locale's texts.
function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

const PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE";
const query = new URLSearchParams(location.search);
const assignmentId = query.get("assignmentId") || PREVIEW;
const isPreview = assignmentId === PREVIEW;

// The address that takes answers, or "" where the marketplace named none that a form may be sent to.
function submitAddress(turkSubmitTo) {
  try {
    const url = new URL(turkSubmitTo);
    const isWeb = url.protocol === "https:" || url.protocol === "http:";
    return isWeb ? url.origin + url.pathname.replace(/\/+$/, "") + "/mturk/externalSubmit" : "";
  } catch {
    return "";
  }
}

const address = submitAddress(query.get("turkSubmitTo") || "");
if (address) form.action = address;
form.elements.assignmentId.value = assignmentId;
form.elements.language.value = navigator.language || "";
find("preview").hidden = !isPreview;

// Seconds with the page in view: a worker who left it open overnight did not work all night.
const stopwatch = {
  seconds: 0,
  since: performance.now(),
  wasHidden: document.hidden,
  read() {
    const now = performance.now();
    if (!this.wasHidden) this.seconds += (now - this.since) / 1000;
    this.since = now;
    this.wasHidden = document.hidden;
    return this.seconds;
  },
};
document.addEventListener("visibilitychange", () => stopwatch.read());

// `reason` gives the key and values of what is missing, or null; `beforeSending` fills the last fields.
function guardForm(reason, beforeSending) {
  let isSending = false;
  const missing = () => {
    if (isPreview) return ["why_preview"];
    if (!address) return ["why_address"];
    if (isSending) return ["sending"];
    return reason();
  };
  const refresh = () => {
    const why = missing();
    find("send").disabled = why !== null;
    const text = why ? say(...why) : say("ready");
    if (find("why").textContent !== text) find("why").textContent = text;
    find("step-agree").classList.toggle("done", find("consent").checked);
  };
  form.addEventListener("submit", (event) => {
    if (missing() !== null) {
      event.preventDefault();
      return;
    }
    form.elements.seconds.value = stopwatch.read().toFixed(1);
    beforeSending();
    isSending = true;
    refresh();
  });
  // Back from the page that followed: the answer may be sent again.
  window.addEventListener("pageshow", () => {
    isSending = false;
    refresh();
  });
  form.addEventListener("input", refresh);
  refresh();
  return refresh;
}

// Enlarges the pictures of `.open` buttons. With a seed, holding a button shows it in the picture's place.
function openViewer(seedUrl) {
  const viewer = find("viewer");
  const image = find("viewer-image");
  const compare = find("viewer-compare");
  let shown = "";
  const show = (url) => {
    image.src = url;
  };
  for (const button of document.querySelectorAll(".open")) {
    button.addEventListener("click", () => {
      const picture = button.querySelector("img");
      shown = picture.src;
      image.alt = picture.alt;
      show(shown);
      const prompt = button.closest("fieldset")?.querySelector("[data-prompt]")?.textContent;
      find("viewer-title").textContent = prompt || button.dataset.open || "";
      compare.hidden = !seedUrl || shown === seedUrl;
      viewer.showModal();
    });
  }
  const isHold = (event) => event.type !== "keydown" || event.key === " " || event.key === "Enter";
  for (const start of ["pointerdown", "keydown"])
    compare.addEventListener(start, (event) => isHold(event) && show(seedUrl));
  for (const stop of ["pointerup", "pointerleave", "pointercancel", "keyup", "blur"])
    compare.addEventListener(stop, () => show(shown));
  find("viewer-close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => event.target === viewer && viewer.close());
}
