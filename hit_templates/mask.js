// The mask as data: painted, taken back, shown and written. It is an array of bytes, 0 or 1, rastered here at the seed's
// own resolution: what is sent is exactly what is seen, and nothing hangs on a browser's smoothing or a screen's size.

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
