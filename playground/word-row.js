// The words of a text as a row of buttons. Tab goes to one of them; arrow keys go to the others.

export class WordRow {
  #row;
  #here = 0; // where the cursor is
  #pressed = null;

  /** `onGo(place)` is called when a key or a press moves to a word, `onPress(place)` when one is pressed. */
  constructor(row, { onGo, onPress }) {
    this.#row = row;
    row.addEventListener("keydown", (event) => {
      const last = row.children.length - 1;
      const to = { ArrowLeft: this.#here - 1, ArrowRight: this.#here + 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const place = Math.max(0, Math.min(last, to));
      onGo(place);
      row.children[place].focus({ preventScroll: true });
    });
    row.addEventListener("click", ({ target }) => {
      const place = [...row.children].indexOf(target);
      if (place < 0) return;
      onGo(place);
      onPress(place);
    });
  }

  /** Takes the words of a text; the first `unread` are no longer read. */
  take(words, unread) {
    const { children } = this.#row;
    while (children.length > words.length) this.#row.lastChild.remove();
    words.forEach((word, place) => {
      if (!children[place]) this.#row.append(button());
      const one = children[place];
      if (one.textContent !== word) Object.assign(one, { textContent: word, title: word });
      one.classList.toggle("unread", place < unread);
    });
  }

  /** Shows where the cursor is. */
  mark(place) {
    for (const [at, isHere] of [[this.#here, false], [place, true]]) {
      const one = this.#row.children[at];
      one?.classList.toggle("here", isHere);
      if (one) one.tabIndex = isHere ? 0 : -1;
    }
    this.#here = place;
  }

  /** Shows which word is pressed, `null` for none. */
  press(place) {
    this.#row.children[this.#pressed]?.setAttribute("aria-pressed", "false");
    this.#row.children[place]?.setAttribute("aria-pressed", "true");
    this.#pressed = place;
  }
}

function button() {
  const made = Object.assign(document.createElement("button"), { type: "button", tabIndex: -1 });
  made.setAttribute("aria-pressed", "false");
  return made;
}
