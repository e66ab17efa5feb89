// The mask brush. The canvas holds the mask alone, at the seed's own resolution whatever its size on the screen; the
// photograph below it is never drawn on it, so no picture's origin can forbid reading it. The mask itself is an array
// of bytes, 0 or 1, rastered here: what is sent is exactly what is seen, and nothing hangs on a browser's smoothing.

const HISTORY_BYTES = 64e6;

// Lengths of runs down the columns, of zeros and ones in turn, zeros first (COCO's order).
function runsOf(bits, width, height) {
  const runs = [];
  let value = 0;
  let run = 0;
  for (let x = 0; x < width; x++) {
    for (let i = x; i < width * height; i += width) {
      if (bits[i] !== value) {
        runs.push(run);
        run = 0;
        value = bits[i];
      }
      run++;
    }
  }
  runs.push(run);
  return runs;
}

// COCO's compressed text: from the fourth run on the difference to the run two before, in groups of five bits, lowest
// first; a group is the character 48 + bits + (32 if more follow), and the last group's highest bit is the sign.
function countsOf(runs) {
  const characters = [];
  runs.forEach((run, i) => {
    let rest = i > 2 ? run - runs[i - 2] : run;
    let hasMore = true;
    while (hasMore) {
      const group = rest & 31;
      rest >>= 5;
      hasMore = rest !== (group & 16 ? -1 : 0);
      characters.push(String.fromCharCode(48 + group + (hasMore ? 32 : 0)));
    }
  });
  return characters.join("");
}

function encodeMask(bits, width, height) {
  return JSON.stringify({ size: [height, width], counts: countsOf(runsOf(bits, width, height)) });
}

// The smallest box that holds both; a box is [left, top, right, bottom), null is the empty one.
function union(a, b) {
  if (!a || !b) return a || b;
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

function countOnes(bits) {
  let ones = 0;
  for (let i = 0; i < bits.length; i++) ones += bits[i];
  return ones;
}

// A mask with its strokes, each of which can be taken back. A stroke is begin(), any number of line(), end().
class Painting {
  constructor(canvas) {
    this.width = canvas.width;
    this.height = canvas.height;
    this.context = canvas.getContext("2d");
    this.bits = new Uint8Array(this.width * this.height);
    this.before = new Uint8Array(this.width * this.height);
    this.painted = 0;
    this.changed = null;
    this.undone = [];
    this.done = [];
    // Stripes of two colours stand out from any photograph.
    this.stripe = Math.max(2, Math.round(Math.max(this.width, this.height) / 160));
  }

  get coverage() {
    return this.painted / this.bits.length;
  }

  begin() {
    this.before.set(this.bits);
    this.changed = null;
  }

  // Sets every pixel whose centre is within `radius` of the line from a to b, in pixels of the seed.
  line(a, b, radius, value) {
    const box = this.boxAround(a, b, radius);
    const [left, top, right, bottom] = box;
    const dx = b.x - a.x;
    const dy = b.y - a.y;
    const length2 = dx * dx + dy * dy || 1;
    for (let y = top; y < bottom; y++) {
      const py = y + 0.5 - a.y;
      for (let x = left, i = y * this.width + left; x < right; x++, i++) {
        if (this.bits[i] === value) continue;
        const px = x + 0.5 - a.x;
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / length2));
        const ex = px - along * dx;
        const ey = py - along * dy;
        if (ex * ex + ey * ey > radius * radius) continue;
        this.bits[i] = value;
        this.painted += value ? 1 : -1;
      }
    }
    this.changed = union(this.changed, box);
    return box;
  }

  boxAround(a, b, radius) {
    const within = (value, most) => Math.min(most, Math.max(0, value));
    return [
      within(Math.floor(Math.min(a.x, b.x) - radius), this.width),
      within(Math.floor(Math.min(a.y, b.y) - radius), this.height),
      within(Math.ceil(Math.max(a.x, b.x) + radius), this.width),
      within(Math.ceil(Math.max(a.y, b.y) + radius), this.height),
    ];
  }

  end() {
    if (this.changed) {
      this.done.push({ box: this.changed, bits: this.cut(this.before, this.changed) });
      this.undone = [];
      let bytes = this.done.reduce((sum, step) => sum + step.bits.length, 0);
      while (bytes > HISTORY_BYTES && this.done.length > 1) bytes -= this.done.shift().bits.length;
    }
    this.changed = null;
  }

  clear() {
    this.begin();
    this.bits.fill(0);
    this.painted = 0;
    this.changed = [0, 0, this.width, this.height];
    this.end();
    this.show([0, 0, this.width, this.height]);
  }

  undo() {
    this.swap(this.done, this.undone);
  }

  redo() {
    this.swap(this.undone, this.done);
  }

  // Puts the pixels of the last step of one pile back, and those that stood there on the other pile.
  swap(from, onto) {
    const step = from.pop();
    if (!step) return;
    const present = this.cut(this.bits, step.box);
    onto.push({ box: step.box, bits: present });
    this.painted += countOnes(step.bits) - countOnes(present);
    const [left, top, right, bottom] = step.box;
    for (let y = top, i = 0; y < bottom; y++, i += right - left)
      this.bits.set(step.bits.subarray(i, i + right - left), y * this.width + left);
    this.show(step.box);
  }

  cut(bits, [left, top, right, bottom]) {
    const piece = new Uint8Array((right - left) * (bottom - top));
    for (let y = top, i = 0; y < bottom; y++, i += right - left)
      piece.set(bits.subarray(y * this.width + left, y * this.width + right), i);
    return piece;
  }

  // Draws the mask within a box.
  show(box) {
    if (!box || box[0] >= box[2] || box[1] >= box[3]) return;
    const [left, top, right, bottom] = box;
    const tile = this.context.createImageData(right - left, bottom - top);
    for (let y = top, o = 0; y < bottom; y++) {
      for (let x = left, i = y * this.width + left; x < right; x++, i++, o += 4) {
        if (!this.bits[i]) continue;
        const isLight = Math.floor((x + y) / this.stripe) % 2;
        tile.data[o] = isLight ? 190 : 109;
        tile.data[o + 1] = isLight ? 160 : 40;
        tile.data[o + 2] = isLight ? 255 : 217;
        tile.data[o + 3] = 178;
      }
    }
    this.context.putImageData(tile, left, top);
  }
}

// ---- the hand: mouse, touch, pen and keyboard ----

const canvas = find("canvas");
const painting = new Painting(canvas);
const hand = { x: canvas.width / 2, y: canvas.height / 2, isErasing: false, isPenDown: false, pointer: null };

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
