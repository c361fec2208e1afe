// Words from left to right and the values of the units after each: a heat map of all units, the numbers of one of them,
// and the effect of leaving each word out. A cursor is at one word and one unit.
import { Colors, HeatMap, PARTS, isGate } from "./heat-map.js";
import { BARS, PART, WIDTH, drawLost, drawMap, drawNumbers, number } from "./unit-drawing.js";
import { WordRow } from "./word-row.js";

const LABEL = 24; // height of a unit's name beside the map
const PAGE = 16; // units that Page Up and Page Down move by
const TALLEST = 400; // the greatest height in pixels, unless a unit would be less than a pixel high
const QUIET = 250; // milliseconds without a move until a number is spoken

const $ = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");

export class UnitView {
  #onWord;
  #onLeaveOut;
  #row;
  #words = [];
  #first = 0; // the first word that was read; there are no columns before it
  #columns = []; // the layers after each word, each with its parts by name
  #lost = [];
  #units = 0;
  #hidden; // the name of the units' own values
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
  #seen = 0; // the visible width

  /** `onWord(place)` is called when the cursor moves, `onLeaveOut(place)` when a word is left out, `null` for none. */
  constructor({ onWord, onLeaveOut }) {
    this.#onWord = onWord;
    this.#onLeaveOut = onLeaveOut;
    this.#row = new WordRow($("words"), {
      onGo: (place) => this.#go(place, this.#unit),
      onPress: (place) => this.#toggle(place),
    });
    this.#listen();
  }

  /** Starts with a model whose layers have this many units; 0 if none can be shown. */
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
    this.#map = units ? new HeatMap(units) : null;
    this.#row.take([], 0);
    $("unit").max = Math.max(0, units - 1);
    $("layer").replaceChildren(...Array.from({ length: layers }, (_, place) => new Option(place + 1, place)));
    $("layer").value = this.#layer;
    $("part").replaceChildren();
    $("last-unit").textContent = units - 1;
    for (const id of ["choices", "number", "map", "followed", "axis", "parts"]) $(id).hidden = !units;
    this.#size();
  }

  /** Takes the words of the text; the first `kept` already have their columns. */
  take({ words, first, kept, unread }) {
    const atEnd = this.#word >= this.#words.length - 1;
    const had = this.#columns.length;
    this.#columns.length = Math.min(had, kept);
    this.#map?.clear(kept, Math.max(had, kept));
    this.#map?.clear(0, first);
    this.#first = first;
    this.#lost = [];
    this.#row.take(words, unread);
    this.#words = words;
    this.#nameLost();
    this.#leave(null);
    this.#word = atEnd ? Math.max(0, words.length - 1) : Math.min(this.#word, Math.max(0, words.length - 1));
    $("wide").style.width = `${words.length * WIDTH}px`;
    if (atEnd) $("scroller").scrollLeft = words.length * WIDTH;
    this.#row.mark(this.#word);
    this.#say(false);
    this.#draw();
  }

  /** Takes the values of the units after a word. */
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
    this.#nameLost();
    this.#draw();
  }

  #nameLost() {
    const most = this.#lost.reduce((one, nats, place) => (nats > (this.#lost[one] ?? 0) ? place : one), -1);
    const found = most < 0 ? "nothing yet" : `most for “${this.#words[most]}”, ${number(this.#lost[most], 1)}`;
    $("lost").setAttribute("aria-label", `Nats lost without each word: ${found}`);
  }

  get word() {
    return this.#word;
  }

  get isAtEnd() {
    return this.#word >= this.#words.length - 1;
  }

  // ── words ───────────────────────────────────────────────────────────────────────────────────────

  #leave(place) {
    if (this.#leftOut === place) return;
    this.#leftOut = place;
    this.#row.press(place);
    this.#onLeaveOut(place);
    this.#draw();
  }

  #toggle(place) {
    if (this.#words.length > 1) this.#leave(this.#leftOut === place ? null : place);
  }

  // ── the cursor ──────────────────────────────────────────────────────────────────────────────────

  /** Moves the cursor; `isSeen`: the word is visible, so the view must not scroll. */
  #go(word, unit, { isSeen = false } = {}) {
    if (!this.#words.length) return;
    word = Math.max(0, Math.min(this.#words.length - 1, word));
    unit = Math.max(0, Math.min(this.#units - 1, unit));
    const isOther = word !== this.#word;
    if (!isOther && unit === this.#unit) return;
    [this.#word, this.#unit] = [word, unit];
    if (isOther) {
      this.#row.mark(this.#word);
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
    else if (this.#word < this.#first) said = `“${word}” is no longer read`;
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

  /** Whether some values fit on the scale, which grows by doubling. */
  #fits(values) {
    const before = this.#most;
    if (!isGate(this.#part)) for (const value of values) while (Math.abs(value) > this.#most) this.#most *= 2;
    return this.#most === before;
  }

  /** Colours everything again. */
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

  /** The height of a unit in pixels. */
  get #height() {
    return Math.max(1, Math.min(10, Math.floor(TALLEST / this.#units)));
  }

  /** Sets the sizes of the canvases to what is visible. */
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

  /** Draws once before the next frame, however much changes until then. */
  #draw() {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    requestAnimationFrame(() => {
      this.#isDrawn = true;
      const { scrollLeft } = $("scroller");
      const from = Math.floor(scrollLeft / WIDTH);
      const sight = {
        from,
        to: Math.min(this.#words.length, Math.ceil((scrollLeft + this.#seen) / WIDTH)),
        start: -scrollLeft,
        width: this.#seen,
        word: this.#word,
        leftOut: this.#leftOut,
      };
      if (this.#units && this.#colors) {
        const [height, units] = [this.#height, this.#units];
        drawMap($("map"), sight, { map: this.#map, height, units, unit: this.#unit, followed: this.#followed });
        const values = this.#columns.map((layers) => layers?.[this.#layer]);
        drawNumbers($("followed"), sight, values, this.#followed, this.#scales());
      }
      drawLost($("lost"), sight, this.#lost);
    });
  }

  /** The colours of each part of the followed unit, by name. */
  #scales() {
    return [...$("part").options].map(({ value: name }) => {
      let most = name === this.#part ? this.#most : 1;
      for (const layers of isGate(name) ? [] : this.#columns) {
        most = Math.max(most, Math.abs(layers?.[this.#layer][name][this.#followed] ?? 0));
      }
      return { name, colors: new Colors(name, most, dark.matches) };
    });
  }

  // ── user actions ───────────────────────────────────────────────────────────────────────────────

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
