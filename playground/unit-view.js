// Words from left to right and what the units have after each: a heat map of all units, the numbers of one of them,
// and what each word is worth. A cursor stands at one word and one unit.
import { Colors, HeatMap, isGate } from "./heat-map.js";

export const MOST_WORDS = 1000;
const WIDTH = 34; // of a column, as the stylesheet has it
const PART = 24; // height of a row of numbers
const BARS = 64;
const LABEL = 24; // height of a unit's name beside the map
const PAGE = 16; // units that Page Up and Page Down go
const TALLEST = 400; // pixels of a map whose units are more than one pixel high
const QUIET = 250; // milliseconds without a move until a number is spoken

const PARTS = {
  forget: "forget gate",
  input: "input gate",
  output: "output gate",
  update: "update gate",
  reset: "reset gate",
  cell: "cell state",
};

const $ = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

/** A number with so many digits, and a minus as people write it. */
export const number = (value, digits) => value.toFixed(digits).replace("-", "−");

export class UnitView {
  #onWord;
  #onLeaveOut;
  #words = [];
  #first = 0; // the first word that was read, before which there are no columns
  #columns = []; // after each word the layers, each with its parts by name
  #lost = [];
  #units = 0;
  #hidden; // how the units themselves are called
  #layer = 0;
  #part = "forget";
  #most = 1; // the largest absolute value of the part shown, rounded up
  #map = null;
  #colors;
  #word = 0; // where the cursor is
  #unit = 0;
  #followed = 0;
  #leftOut = null;
  #isDrawn = true;
  #speaking;
  #seen = 0; // the width of what is in sight

  /** `onWord(place)` hears where the cursor goes, `onLeaveOut(place)` which word is left out, `null` for none. */
  constructor({ onWord, onLeaveOut }) {
    this.#onWord = onWord;
    this.#onLeaveOut = onLeaveOut;
    this.#listen();
  }

  /** Begins with a model whose layers have so many units; 0 where none can be shown. */
  begin({ layers, units, follow, isRecurrent }) {
    this.#leave(null);
    this.#hidden = isRecurrent ? "hidden state" : "hidden layer";
    this.#units = units;
    this.#followed = Math.min(follow, Math.max(0, units - 1));
    this.#unit = this.#followed;
    this.#layer = layers - 1;
    this.#words = [];
    this.#columns = [];
    this.#lost = [];
    this.#most = 1;
    this.#word = 0;
    this.#map = units ? new HeatMap(units, MOST_WORDS) : null;
    $("words").replaceChildren();
    $("unit").max = Math.max(0, units - 1);
    $("layer").replaceChildren(...Array.from({ length: layers }, (_, place) => new Option(place + 1, place)));
    $("layer").value = this.#layer;
    $("part").replaceChildren();
    $("last-unit").textContent = units - 1;
    for (const id of ["choices", "number", "map", "followed", "axis", "parts"]) $(id).hidden = !units;
    this.#size();
  }

  /** Takes the words of the text, of which the first `kept` have their columns already. */
  take({ words, first, kept, unread }) {
    const atEnd = this.#word >= this.#words.length - 1;
    const had = this.#columns.length;
    this.#columns.length = Math.min(had, kept);
    this.#map?.clear(kept, Math.max(had, kept));
    this.#map?.clear(0, first);
    this.#first = first;
    this.#lost = [];
    this.#label(words, unread);
    this.#words = words;
    this.#leave(null);
    this.#word = atEnd ? Math.max(0, words.length - 1) : Math.min(this.#word, Math.max(0, words.length - 1));
    $("wide").style.width = `${words.length * WIDTH}px`;
    if (atEnd) $("scroller").scrollLeft = words.length * WIDTH;
    this.#mark();
    this.#say(false);
    this.#draw();
  }

  /** Takes what the units have after a word. */
  column(place, layers) {
    this.#columns[place] = layers;
    if (!this.#units) return;
    if (!$("part").length) this.#offerParts(Object.keys(layers[0]));
    const values = layers[this.#layer][this.#part];
    if (!this.#fits(values)) this.#color();
    else this.#map.set(place, values, this.#colors);
    this.#say(false);
    this.#draw();
  }

  /** Takes by how many nats ln P of the next word falls without a word. */
  lost(place, nats) {
    this.#lost[place] = nats;
    this.#draw();
  }

  get word() {
    return this.#word;
  }

  get isAtEnd() {
    return this.#word >= this.#words.length - 1;
  }

  // ── words ───────────────────────────────────────────────────────────────────────────────────────

  #label(words, unread) {
    const list = $("words");
    while (list.children.length > words.length) list.lastChild.remove();
    words.forEach((word, place) => {
      let button = list.children[place];
      if (!button) {
        button = document.createElement("button");
        button.type = "button";
        button.tabIndex = -1;
        button.setAttribute("aria-pressed", "false");
        list.append(button);
      }
      if (button.textContent !== word) Object.assign(button, { textContent: word, title: word });
      button.classList.toggle("unread", place < unread);
    });
  }

  /** Shows where the cursor is among the words: it is the only one that Tab goes to. */
  #mark() {
    for (const button of $("words").querySelectorAll(".here, [tabindex='0']")) {
      button.classList.remove("here");
      button.tabIndex = -1;
    }
    const here = $("words").children[this.#word];
    here?.classList.add("here");
    if (here) here.tabIndex = 0;
  }

  #leave(place) {
    if (this.#leftOut === place) return;
    $("words").children[this.#leftOut]?.setAttribute("aria-pressed", "false");
    this.#leftOut = place;
    $("words").children[place]?.setAttribute("aria-pressed", "true");
    this.#onLeaveOut(place);
    this.#draw();
  }

  #toggle(place) {
    if (this.#words.length > 1) this.#leave(this.#leftOut === place ? null : place);
  }

  // ── the cursor ──────────────────────────────────────────────────────────────────────────────────

  /** Moves the cursor; `isSeen` is for a move that must not scroll. */
  #go(word, unit, { isSeen = false } = {}) {
    if (!this.#words.length) return;
    word = Math.max(0, Math.min(this.#words.length - 1, word));
    unit = Math.max(0, Math.min(this.#units - 1, unit));
    const isOther = word !== this.#word;
    if (!isOther && unit === this.#unit) return;
    [this.#word, this.#unit] = [word, unit];
    if (isOther) {
      this.#mark();
      this.#onWord(word);
    }
    if (!isSeen) this.#reveal(word);
    this.#say(true);
    this.#draw();
  }

  #reveal(word) {
    const scroller = $("scroller");
    const [left, width] = [word * WIDTH, scroller.clientWidth];
    if (left < scroller.scrollLeft) scroller.scrollLeft = left;
    else if (left + WIDTH > scroller.scrollLeft + width) scroller.scrollLeft = left + WIDTH - width;
  }

  #follow(unit) {
    this.#followed = Math.max(0, Math.min(this.#units - 1, unit));
    $("unit").value = this.#followed;
    this.#place();
    this.#draw();
  }

  /** Writes the number under the cursor, and speaks it once the cursor rests. */
  #say(isSpoken) {
    const word = this.#words[this.#word];
    const value = this.#columns[this.#word]?.[this.#layer]?.[this.#part]?.[this.#unit];
    let said = "";
    if (value !== undefined) said = `“${word}”, unit ${this.#unit}: ${this.#called(this.#part)} ${number(value, 3)}`;
    else if (this.#word < this.#first) said = `“${word}” is not read any more`;
    $("number").textContent = said;
    clearTimeout(this.#speaking);
    if (isSpoken) this.#speaking = setTimeout(() => ($("speech").textContent = said), QUIET);
  }

  // ── what is shown ───────────────────────────────────────────────────────────────────────────────

  #offerParts(names) {
    $("part").replaceChildren(...names.map((name) => new Option(this.#called(name), name)));
    if (!names.includes(this.#part)) this.#part = names[0];
    $("part").value = this.#part;
    $("parts").replaceChildren(
      ...names.map((name) => Object.assign(document.createElement("div"), { textContent: name })),
    );
    this.#size();
    this.#color();
  }

  /** Whether the scale has room for some values; it grows by doubling. */
  #fits(values) {
    const before = this.#most;
    if (!isGate(this.#part)) for (const value of values) while (Math.abs(value) > this.#most) this.#most *= 2;
    return this.#most === before;
  }

  /** Colours all that there is again. */
  #color() {
    const columns = this.#columns.map((layers) => layers?.[this.#layer]?.[this.#part]);
    this.#most = 1;
    for (const values of columns) if (values) this.#fits(values);
    this.#colors = new Colors(this.#part, this.#most, dark.matches);
    columns.forEach((values, place) => values && this.#map.set(place, values, this.#colors));
    this.#colors.drawScale($("scale"));
    [$("least").textContent, $("most").textContent] = this.#colors.ends;
    this.#name();
    this.#draw();
  }

  #called(name) {
    return PARTS[name] ?? this.#hidden;
  }

  #name() {
    const layer = $("layer").length > 1 ? ` of layer ${this.#layer + 1}` : "";
    $("map").setAttribute("aria-label", `${this.#called(this.#part)} of the ${this.#units} units${layer}`);
    this.#place();
  }

  /** Pixels that a unit is high. */
  get #height() {
    return Math.max(1, Math.min(10, Math.floor(TALLEST / this.#units)));
  }

  /** Sets the canvases' sizes to what is in sight. */
  #size() {
    this.#seen = Math.max(1, $("scroller").clientWidth);
    const parts = $("part").length;
    const heights = { map: this.#units * this.#height, followed: parts * PART, lost: BARS };
    for (const [id, height] of Object.entries(heights)) {
      const canvas = $(id);
      canvas.width = Math.round(this.#seen * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
      canvas.style.width = `${this.#seen}px`;
      canvas.style.height = `${height}px`;
    }
    $("axis").style.height = `${heights.map}px`;
    $("unit").value = this.#followed;
    this.#place();
    this.#draw();
  }

  #place() {
    $("followed-name").textContent = `unit ${this.#followed}`;
    const [top, height] = [(this.#followed + 0.5) * this.#height, this.#units * this.#height];
    $("followed-name").style.top = `${top}px`;
    $("first-unit").hidden = top < LABEL;
    $("last-unit").hidden = height - top < LABEL;
    $("followed").setAttribute("aria-label", `Unit ${this.#followed} along the text: its gates and its state`);
  }

  // ── drawing ─────────────────────────────────────────────────────────────────────────────────────

  /** Draws before the next frame, however much has changed until then. */
  #draw() {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    requestAnimationFrame(() => {
      this.#isDrawn = true;
      const { scrollLeft } = $("scroller");
      const from = Math.floor(scrollLeft / WIDTH);
      const count = Math.min(this.#words.length, Math.ceil((scrollLeft + this.#seen) / WIDTH)) - from;
      const left = from * WIDTH - scrollLeft;
      if (this.#units && this.#colors) {
        this.#drawMap(this.#cleared("map"), from, count, left);
        this.#drawFollowed(this.#cleared("followed"), from, count, left);
      }
      this.#drawLost(this.#cleared("lost"), from, count, left);
    });
  }

  #cleared(id) {
    const context = $(id).getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.#seen, $(id).height);
    return context;
  }

  #drawMap(context, from, count, left) {
    const height = this.#height;
    if (count > 0) this.#map.draw(context, from, count, left, WIDTH, height);
    context.strokeStyle = style("--accent");
    context.lineWidth = 1;
    context.strokeRect(-2, this.#followed * height - 0.5, this.#seen + 4, height + 1);
    this.#drawCursor(context, from, left, this.#units * height);
    const x = left + (this.#word - from) * WIDTH;
    context.lineWidth = 2;
    context.strokeStyle = style("--ink");
    context.strokeRect(x - 1, this.#unit * height - 2, WIDTH + 2, height + 4);
  }

  /** The cursor's column, and what is left out struck through. */
  #drawCursor(context, from, left, height) {
    context.lineWidth = 1;
    context.strokeStyle = style("--ink");
    context.strokeRect(left + (this.#word - from) * WIDTH - 0.5, -2, WIDTH + 1, height + 4);
    if (this.#leftOut === null) return;
    const x = left + (this.#leftOut - from) * WIDTH;
    context.fillStyle = style("--panel");
    context.globalAlpha = 0.75;
    context.fillRect(x, 0, WIDTH, height);
    context.globalAlpha = 1;
    context.strokeStyle = style("--warn");
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x + WIDTH / 2, 0);
    context.lineTo(x + WIDTH / 2, height);
    context.stroke();
  }

  #drawFollowed(context, from, count, left) {
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    const names = [...$("part").options].map(({ value }) => value);
    const scales = names.map((name) => new Colors(name, name === this.#part ? this.#most : this.#mostOf(name), dark.matches));
    for (let place = from; place < from + count; place++) {
      const layer = this.#columns[place]?.[this.#layer];
      if (!layer) continue;
      const x = left + (place - from) * WIDTH;
      names.forEach((name, row) => {
        const value = layer[name][this.#followed];
        const { back, front } = scales[row].css(value);
        context.fillStyle = back;
        context.fillRect(x, row * PART, WIDTH, PART - 1);
        context.fillStyle = front;
        const digits = isGate(name) || Math.abs(value) < 0.995 ? 2 : 1; // as many as there is room for
        context.fillText(number(value, digits).replace(/^(−?)0/, "$1"), x + WIDTH / 2, row * PART + PART / 2);
      });
    }
    this.#drawCursor(context, from, left, names.length * PART);
  }

  /** The largest absolute value of the followed unit, at least 1: a state's colours are seen against it. */
  #mostOf(name) {
    let most = 1;
    if (isGate(name)) return most;
    for (const layers of this.#columns) {
      const value = layers?.[this.#layer][name][this.#followed] ?? 0;
      if (Math.abs(value) > most) most = Math.abs(value);
    }
    return most;
  }

  #drawLost(context, from, count, left) {
    const known = this.#lost.filter((nats) => nats !== undefined);
    const [most, least] = [Math.max(0.1, ...known), Math.min(0, ...known)];
    const room = BARS - 28; // without the numbers above and below
    const zero = 14 + (room * most) / (most - least);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    for (let place = from; place < from + count; place++) {
      const nats = this.#lost[place];
      if (nats === undefined) continue;
      const x = left + (place - from) * WIDTH;
      const shown = Math.abs(nats) < 0.05 ? 0 : nats;
      const height = (shown / (most - least)) * room;
      context.fillStyle = style(shown < 0 ? "--warn" : "--accent");
      context.fillRect(x + 6, Math.min(zero, zero - height), WIDTH - 12, Math.abs(height));
      context.fillStyle = style("--ink");
      context.textBaseline = shown < 0 ? "top" : "bottom";
      context.fillText(shown ? number(shown, 1) : "0", x + WIDTH / 2, zero - height + (shown < 0 ? 2 : -2));
    }
    context.fillStyle = style("--edge");
    context.fillRect(0, zero, this.#seen, 1);
    const best = this.#lost.reduce((one, nats, place) => (nats > (this.#lost[one] ?? 0) ? place : one), -1);
    const found = best < 0 ? "not measured yet" : `most for “${this.#words[best]}”, ${number(this.#lost[best], 1)}`;
    const label = `Nats lost without each word: ${found}`;
    if ($("lost").getAttribute("aria-label") !== label) $("lost").setAttribute("aria-label", label);
  }

  // ── what a person does ──────────────────────────────────────────────────────────────────────────

  #listen() {
    const at = (event) => {
      const { left, top } = $("map").getBoundingClientRect();
      const word = Math.floor((event.clientX - left + $("scroller").scrollLeft) / WIDTH);
      return [word, Math.floor((event.clientY - top) / this.#height)];
    };
    $("map").addEventListener("pointermove", (event) => {
      const [word, unit] = at(event);
      if (word < this.#words.length) this.#go(word, unit, { isSeen: true });
    });
    $("map").addEventListener("click", (event) => {
      const [word, unit] = at(event);
      this.#go(word, unit, { isSeen: true });
      this.#follow(unit);
    });
    $("map").addEventListener("keydown", (event) => this.#press(event));
    $("words").addEventListener("keydown", (event) => {
      const to = this.#moved(event.key);
      if (!to || to[1] !== this.#unit) return;
      event.preventDefault();
      this.#go(...to);
      $("words").children[this.#word]?.focus({ preventScroll: true });
    });
    $("words").addEventListener("click", ({ target }) => {
      const place = [...$("words").children].indexOf(target);
      if (place < 0) return;
      this.#go(place, this.#unit);
      this.#toggle(place);
    });
    $("layer").addEventListener("change", ({ target }) => {
      this.#layer = Number(target.value);
      this.#color();
      this.#say(true);
    });
    $("part").addEventListener("change", ({ target }) => {
      this.#part = target.value;
      this.#color();
      this.#say(true);
    });
    $("unit").addEventListener("input", ({ target }) => {
      if (!target.checkValidity() || target.value === "") return;
      this.#follow(Number(target.value));
      this.#go(this.#word, this.#followed, { isSeen: true });
    });
    $("scroller").addEventListener("scroll", () => this.#draw());
    dark.addEventListener("change", () => this.#map && this.#colors && this.#color());
    new ResizeObserver(() => $("scroller").clientWidth !== this.#seen && this.#size()).observe($("scroller"));
  }

  #press(event) {
    const to = this.#moved(event.key);
    if (to) this.#go(...to);
    else if (event.key === "Enter" || event.key === " ") this.#follow(this.#unit);
    else if (event.key === "Delete") this.#toggle(this.#word);
    else return;
    event.preventDefault();
  }

  /** Where a key moves the cursor, `[word, unit]`. */
  #moved(key) {
    const [word, unit] = [this.#word, this.#unit];
    const moves = {
      ArrowLeft: [word - 1, unit],
      ArrowRight: [word + 1, unit],
      ArrowUp: [word, unit - 1],
      ArrowDown: [word, unit + 1],
      PageUp: [word, unit - PAGE],
      PageDown: [word, unit + PAGE],
      Home: [0, unit],
      End: [this.#words.length - 1, unit],
    };
    return moves[key];
  }
}
