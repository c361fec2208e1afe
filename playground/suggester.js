// What stands in for a keyboard where a model knows subwords: it suggests words and completes the one that is being
// typed, but corrects and learns nothing.
const LETTER = /[\p{L}\p{N}]/u;
const TYPED = /[\p{L}\p{M}\p{N}'’-]*$/u; // of a word that is not finished
const UNSPACED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Mymr}\p{scx=Khmr}]/u;
const ENDS_APART = /[\s([{«“‘]$|^$/u; // no blank is needed after it
const READ = 400; // characters before the word, at most

export class Suggester {
  #generator;
  #saved; // by the keyboard before, for the one after
  #session = null; // after the finished words
  #before = null;
  #typed = "";
  learned = {};
  blocked = [];

  constructor(generator, saved) {
    this.#generator = generator;
    this.#saved = saved;
  }

  async update(text) {
    const typed = TYPED.exec(text)[0];
    this.#typed = LETTER.test(typed) && !UNSPACED.test(typed) ? typed : "";
    const before = text.slice(0, text.length - this.#typed.length);
    if (before === this.#before) return;
    this.#before = before;
    this.#session = this.#generator.session();
    const start = before.length > READ ? before.indexOf(" ", before.length - READ) + 1 : 0;
    const read = before.slice(start);
    if (this.#generator.info.lineEnds) await this.#session.feed(`\n${read}`);
    else if (read.trim()) await this.#session.feed(read);
    else this.#session = null;
  }

  async suggest(n) {
    const kind = this.#typed ? "completion" : "prediction";
    const found = (await this.#session?.suggest(n, this.#typed)) ?? [];
    return found.filter(({ word }) => word).map((one) => ({ ...one, kind, ...this.#insertion(one.word) }));
  }

  /** What to put where so that a word is the next one. */
  #insertion(word) {
    const replace = this.#typed.length;
    if (word === "<eos>") return { replace, insert: "\n" };
    if (UNSPACED.test(word)) return { replace, insert: word };
    if (!LETTER.test(word)) return { replace: /[ \t]*$/.exec(this.#before)[0].length, insert: `${word} ` };
    const needsBlank = !this.#typed && !ENDS_APART.test(this.#before) && !UNSPACED.test(this.#before.at(-1));
    return { replace, insert: `${needsBlank ? " " : ""}${word} ` };
  }

  correction() {
    return null;
  }

  commit() {}

  forget() {}

  block() {}

  save() {
    return this.#saved;
  }
}
