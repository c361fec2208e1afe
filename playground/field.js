// The text field: the text before the caret, changes that Ctrl+Z can undo, and underlined corrections.

const LETTER = "[\\p{L}\\p{M}\\p{N}]";
const ENDS_IN_LETTER = new RegExp(`${LETTER}$`, "u");
const REST_OF_WORD = new RegExp(`^${LETTER}+(?:['’-]${LETTER}+)*`, "u");
const CLOSING = /^[.,;:!?…)]/;

export class Field {
  #area;
  #mirror;
  #text; // as it was before the last change
  #marks = []; // { start, end }: corrected words
  #isOwn = false; // whether a change is the page's, not the user's

  /** `area`: the textarea; `mirror`: an element behind it with the same text, which shows the underlines. */
  constructor(area, mirror) {
    this.#area = area;
    this.#mirror = mirror;
    this.#text = area.value;
    area.setSelectionRange(area.value.length, area.value.length);
    area.addEventListener("input", ({ inputType }) => {
      this.#follow();
      // Browsers select the text that undo restores, so the next key would replace it.
      if (/^history/.test(inputType)) setTimeout(() => area.setSelectionRange(area.selectionEnd, area.selectionEnd));
    });
    area.addEventListener("scroll", () => (mirror.scrollTop = area.scrollTop));
  }

  /** The text before the caret. */
  get before() {
    return this.#area.value.slice(0, this.#area.selectionStart);
  }

  /** Whether the change that an event reports is the page's own. */
  get isOwn() {
    return this.#isOwn;
  }

  /**
   * Inserts a suggestion at the caret. If the caret is inside the suggested word, the rest of that word is replaced
   * too.
   */
  put({ replace, insert }, splitBy) {
    const { value, selectionStart: caret } = this.#area;
    let { selectionEnd: end } = this.#area;
    const rest = REST_OF_WORD.exec(value.slice(end))?.[0] ?? "";
    const word = insert.trim().toLowerCase();
    const whole = value.slice(caret - replace, caret) + rest;
    const isInside = word.startsWith(whole.toLowerCase()) || word.endsWith(rest.toLowerCase());
    if (ENDS_IN_LETTER.test(this.before) && isInside) end += rest.length;
    const after = value.slice(end, end + 1);
    if (insert.endsWith(" ")) {
      if (after === " ") end++;
      else if (after === "\n" || (splitBy === "words" && CLOSING.test(after))) insert = insert.slice(0, -1);
    }
    this.change(caret - replace, end, insert);
  }

  /** Replaces a part of the text as if typed, so that the browser can undo it. */
  change(start, end, text) {
    const area = this.#area;
    area.focus();
    area.setSelectionRange(start, end);
    this.#isOwn = true;
    if (!document.execCommand(text ? "insertText" : "delete", false, text)) {
      area.setRangeText(text, start, end, "end");
      area.dispatchEvent(new InputEvent("input", { inputType: "insertReplacementText" }));
    }
    this.#isOwn = false;
  }

  /** Underlines a word. */
  mark(start, end) {
    this.#marks.push({ start, end });
    this.#draw();
  }

  /** Removes a word's underline. */
  unmark(start) {
    this.#marks = this.#marks.filter((mark) => mark.start !== start);
    this.#draw();
  }

  /** Moves the underlines with the text; a word that was changed loses its underline. */
  #follow() {
    const [old, text] = [this.#text, this.#area.value];
    this.#text = text;
    if (!this.#marks.length) return;
    const most = Math.min(old.length, text.length);
    const afterCaret = text.length - this.#area.selectionEnd; // the same as before, in most cases
    let last = 0;
    while (last < Math.min(most, afterCaret) && old.at(-1 - last) === text.at(-1 - last)) last++;
    let first = 0;
    while (first < most - last && old[first] === text[first]) first++;
    while (last < most - first && old.at(-1 - last) === text.at(-1 - last)) last++;
    const end = old.length - last;
    const moved = text.length - old.length;
    this.#marks = this.#marks.flatMap((mark) => {
      const touches = mark.end === first && /^[\p{L}\p{N}]/u.test(text.slice(first));
      if (mark.end <= first && !touches) return [mark];
      return mark.start >= end ? [{ start: mark.start + moved, end: mark.end + moved }] : [];
    });
    this.#draw();
  }

  #draw() {
    const parts = [];
    let place = 0;
    for (const { start, end } of this.#marks.sort((one, other) => one.start - other.start)) {
      const word = document.createElement("u");
      word.textContent = this.#text.slice(start, end);
      parts.push(this.#text.slice(place, start), word);
      place = end;
    }
    // An element shows no line after the last line end of its text.
    if (parts.length) parts.push(this.#text.slice(place), "\u200b");
    this.#mirror.replaceChildren(...parts);
    this.#mirror.scrollTop = this.#area.scrollTop;
  }
}
