// The mask brush in the worker's hand: mouse, touch, pen and keyboard on a canvas, and the tools and words around it. The
// canvas holds the mask alone; the photograph below is never drawn on it, so no picture's origin can forbid reading it.

const canvas = find("canvas");
const painting = new Painting(canvas);
const hand = { x: canvas.width / 2, y: canvas.height / 2, isErasing: false, isPenDown: false, pointer: null, value: 1 };

// The brush's radius in pixels of the seed; the slider counts its diameter in hundredths of the shorter side.
function radius() {
  return Math.max(1, (find("size").valueAsNumber * Math.min(canvas.width, canvas.height)) / 200);
}

function place(event) {
  const frame = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - frame.left) * canvas.width) / frame.width,
    y: ((event.clientY - frame.top) * canvas.height) / frame.height,
  };
}

function showCursor() {
  const cursor = find("cursor");
  cursor.hidden = false;
  cursor.classList.toggle("erasing", hand.isErasing);
  cursor.style.left = `${(100 * hand.x) / canvas.width}%`;
  cursor.style.top = `${(100 * hand.y) / canvas.height}%`;
  cursor.style.width = `${(200 * radius()) / canvas.width}%`;
}

// Moves the hand through `points`, painting on the way.
function strokeThrough(points, value) {
  let box = null;
  for (const point of points) {
    box = union(box, painting.line(hand, point, radius(), value));
    hand.x = point.x;
    hand.y = point.y;
  }
  painting.show(box);
  showShare();
}

canvas.addEventListener("pointerdown", (event) => {
  if (hand.pointer !== null || event.button > 0 && !(event.buttons & 32)) return;
  event.preventDefault();
  canvas.focus({ preventScroll: true });
  liftPen();
  canvas.setPointerCapture(event.pointerId);
  hand.pointer = event.pointerId;
  // A pen turned round erases.
  hand.value = hand.isErasing || event.buttons & 32 ? 0 : 1;
  painting.begin();
  Object.assign(hand, place(event));
  strokeThrough([{ x: hand.x, y: hand.y }], hand.value);
  showCursor();
});

canvas.addEventListener("pointermove", (event) => {
  if (hand.pointer === event.pointerId) {
    const between = event.getCoalescedEvents?.() ?? [];
    strokeThrough((between.length ? between : [event]).map(place), hand.value);
  } else if (hand.pointer === null && !hand.isPenDown) {
    Object.assign(hand, place(event));
  }
  showCursor();
});

function endStroke(event) {
  if (hand.pointer !== event.pointerId) return;
  hand.pointer = null;
  finishStep();
}
canvas.addEventListener("pointerup", endStroke);
canvas.addEventListener("pointercancel", endStroke);
canvas.addEventListener("pointerleave", () => {
  if (hand.pointer === null && !hand.isPenDown) find("cursor").hidden = true;
});

function finishStep() {
  painting.end();
  showTools();
  speak(say("masked", { share: percent(painting.coverage) }));
}

function liftPen() {
  if (!hand.isPenDown) return;
  hand.isPenDown = false;
  finishStep();
}

function moveBy(dx, dy) {
  const to = {
    x: Math.min(canvas.width, Math.max(0, hand.x + dx)),
    y: Math.min(canvas.height, Math.max(0, hand.y + dy)),
  };
  if (hand.isPenDown) strokeThrough([to], hand.isErasing ? 0 : 1);
  Object.assign(hand, to);
}

function dab() {
  if (!hand.isPenDown) painting.begin();
  strokeThrough([{ x: hand.x, y: hand.y }], hand.isErasing ? 0 : 1);
  if (!hand.isPenDown) finishStep();
}

function turnPen() {
  if (hand.isPenDown) {
    liftPen();
    speak(say("pen_up"));
  } else {
    painting.begin();
    hand.isPenDown = true;
    dab();
    speak(say("pen_down"));
  }
}

function resize(by) {
  find("size").value = find("size").valueAsNumber + by;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = {
  " ": dab,
  Enter: turnPen,
  Escape: liftPen,
  e: () => choose(!hand.isErasing),
  "+": () => resize(2),
  "-": () => resize(-2),
};

canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || hand.pointer !== null) return;
  const arrow = ARROWS[event.key];
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!arrow && !action) return;
  event.preventDefault();
  const step = radius() * (event.shiftKey ? 2 : 0.5);
  if (arrow) moveBy(arrow[0] * step, arrow[1] * step);
  else action();
  showCursor();
});
canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && showCursor());
canvas.addEventListener("blur", () => {
  liftPen();
  find("cursor").hidden = true;
});

// ---- tools and words around the canvas ----

function choose(isErasing) {
  hand.isErasing = isErasing;
  find("brush").setAttribute("aria-pressed", !isErasing);
  find("eraser").setAttribute("aria-pressed", isErasing);
  speak(say(isErasing ? "eraser_on" : "brush_on"));
}

function act(action) {
  if (hand.pointer !== null) return;
  liftPen();
  painting[action]();
  showShare();
  showTools();
  speak(say("masked", { share: percent(painting.coverage) }));
}

find("brush").addEventListener("click", () => choose(false));
find("eraser").addEventListener("click", () => choose(true));
for (const action of ["undo", "redo", "clear"]) find(action).addEventListener("click", () => act(action));
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.target === find("prompt")) return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  act(key === "y" || event.shiftKey ? "redo" : "undo");
});

const rules = {
  least: Number(form.dataset.minCoverage),
  most: Number(form.dataset.maxCoverage),
  longest: Number(form.dataset.maxPrompt),
};

function percent(share) {
  const digits = share > 0 && share < 0.1 ? 1 : 0;
  return share.toLocaleString(document.documentElement.lang, { style: "percent", maximumFractionDigits: digits });
}

function speak(text) {
  find("spoken").textContent = text;
}

function showTools() {
  find("undo").disabled = painting.done.length === 0;
  find("redo").disabled = painting.undone.length === 0;
  find("clear").disabled = painting.painted === 0;
}

function showShare() {
  const share = painting.coverage;
  const isRight = painting.painted > 0 && share >= rules.least && share <= rules.most;
  find("share").textContent = share ? say("masked", { share: percent(share) }) : say("nothing_masked");
  find("filled").style.width = `${100 * share}%`;
  find("filled").classList.toggle("wrong", share > rules.most);
  find("step-mask").classList.toggle("done", isRight);
  refresh();
}

// As it will be counted: characters, with white space drawn together.
function promptLength() {
  return [...find("prompt").value.trim().replace(/\s+/g, " ")].length;
}

function showCounter() {
  const used = promptLength();
  find("counter").textContent = say("counter", { used, most: rules.longest });
  find("counter").classList.toggle("wrong", used > rules.longest);
  find("step-prompt").classList.toggle("done", used > 0 && used <= rules.longest);
}

function missing() {
  const seed = find("seed");
  if (seed.complete && !seed.naturalWidth) return ["why_image"];
  if (!find("consent").checked) return ["why_consent"];
  if (!painting.painted) return ["why_mask"];
  if (painting.coverage < rules.least) return ["why_too_little", { least: percent(rules.least) }];
  if (painting.coverage > rules.most || painting.coverage === 1) return ["why_too_much", { most: percent(rules.most) }];
  const used = promptLength();
  if (!used) return ["why_prompt"];
  return used > rules.longest ? ["why_long", { over: used - rules.longest }] : null;
}

const refresh = guardForm(missing, () => {
  liftPen();
  form.elements.mask.value = encodeMask(painting.bits, painting.width, painting.height);
});
find("prompt").addEventListener("input", showCounter);
for (const outcome of ["load", "error"]) find("seed").addEventListener(outcome, refresh);
find("size").addEventListener("input", () => {
  Object.assign(hand, { x: canvas.width / 2, y: canvas.height / 2 });
  showCursor();
});
find("size").addEventListener("change", () => {
  find("cursor").hidden = true;
});
openViewer("");
showShare();
showCounter();
showTools();
