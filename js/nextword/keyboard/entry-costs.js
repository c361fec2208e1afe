/**
 * What was typed → how far the subwords of a dictionary are from it, from any letter onwards: Python's
 * `keyboard.entry_costs`.
 */

import { AT_FIRST_LETTER, MOST, WordTable, begun } from "./candidates.js";

const TO_COME = 14; // expected cost of each letter that no entry covers yet
const MOST_ENDS = 3;

/** The cost of one word of which this many letters were typed; `MOST` if its beginning is not a candidate. */
export const begunCost = (letters, beyond) => (beyond < MOST ? begun(letters, beyond) : MOST);

/** The same for each cost of the beginning below `MOST`. */
const costsBegun = (letters) => Int16Array.from({ length: MOST }, (_, beyond) => begunCost(letters, beyond));

/** Some entries, in a table of what they add to a text. */
class Group {
  constructor(entries, following, layout, atFirstLetter) {
    this.ids = following.agreeing("").covering.filter((id) => !entries.isWhole[id]);
    const surfaces = Array.from(this.ids, (id) => entries.surfaces[id]);
    const columns = new Map([...new Set(surfaces)].map((surface, column) => [surface, column]));
    this.columns = Int32Array.from(surfaces, (surface) => columns.get(surface));
    this.table = new WordTable([...columns.keys()], layout, atFirstLetter);
    this.isBare = surfaces.map((surface) => !surface);
  }
}

/**
 * The costs of all entries after some that cover the beginning of what was typed; those of scripts without blanks and
 * `<eos>` are left out. How some letters explain what was typed is `{ ends, beyond }`: pairs of how many typed letters
 * they may stand for, and the cost of that, the best few; and the cost if they stand for all typed letters and more may
 * follow, `MOST` if they cannot.
 *
 * An error that spans two entries, such as a swap of the letters on either side of their border, costs more here than in
 * `WordTable`.
 */
export class EntryCosts {
  #first;
  #later;
  #tables; // of the later entries, by the letter that they begin at
  #typed = [];
  #begun = costsBegun(0);
  #known = new Map();

  constructor(entries, layout) {
    this.#first = new Group(entries, entries.first, layout, AT_FIRST_LETTER);
    this.#later = new Group(entries, entries.later, layout, 0);
    this.#tables = new Map([[0, this.#later.table]]);
  }

  /** Looks up what has been typed of a word. */
  type(typed) {
    const letters = [...typed];
    if (letters.join("\n") === this.#typed.join("\n")) return;
    this.#typed = letters;
    this.#begun = costsBegun(letters.length);
    this.#known.clear();
  }

  /**
   * The ids of the entries that may follow, and the cost of each with those before it and an estimate of the rest.
   * `isFirst` says whether there are none before it; `isWhole`, whether a whole word was typed.
   */
  after(isFirst, { ends, beyond }, isWhole) {
    const { ids, columns, isBare, table } = isFirst ? this.#first : this.#later;
    const letters = this.#typed.length;
    const most = begunCost(letters, beyond);
    const bare = ends.reduce((least, [start, cost]) => Math.min(least, cost + TO_COME * (letters - start)), most);
    // Of the columns first: many entries share one.
    const ofColumns = new Int16Array(table.words.length).fill(most);
    for (const [start, cost] of ends) {
      const { least, beyond: beyondIt } = this.#from(isFirst, start);
      for (let column = 0; column < ofColumns.length; column++) {
        const found = cost + least[column];
        if (found < ofColumns[column]) ofColumns[column] = found;
        const all = cost + beyondIt[column];
        if (!isWhole && all < MOST && this.#begun[all] < ofColumns[column]) ofColumns[column] = this.#begun[all];
      }
    }
    const costs = new Int16Array(columns.length);
    for (let place = 0; place < columns.length; place++) costs[place] = isBare[place] ? bare : ofColumns[columns[place]];
    return { ids, costs };
  }

  /** How the letters explain what was typed once the entry at some place is added. */
  covered(isFirst, place, before, isWhole) {
    const { columns, isBare } = isFirst ? this.#first : this.#later;
    if (isBare[place]) return before;
    const column = columns[place];
    let { beyond } = before;
    const ends = new Map();
    for (const [start, cost] of before.ends) {
      const costs = this.#from(isFirst, start);
      if (!isWhole) beyond = Math.min(beyond, cost + costs.beyond[column]);
      costs.whole.forEach((row, more) => {
        const total = cost + row[column];
        if (total < (ends.get(start + more) ?? MOST)) ends.set(start + more, total);
      });
    }
    const letters = this.#typed.length;
    const estimate = ([end, cost]) => cost + TO_COME * (letters - end);
    const best = [...ends].sort((one, other) => estimate(one) - estimate(other));
    return { ends: best.slice(0, MOST_ENDS), beyond: Math.min(beyond, MOST) };
  }

  /**
   * The costs from one of the typed letters onwards, of each column of the table: `whole`, for the next letters, none to
   * all that are left; `beyond`, of its best beginning for all that are left; `least`, an estimate of the least that it
   * may cost together with what follows it.
   */
  #from(isFirst, start) {
    const name = isFirst ? -1 - start : start;
    let found = this.#known.get(name);
    if (!found) {
      const rest = this.#typed.slice(start);
      const table = isFirst ? this.#first.table : this.#tableFrom(start);
      table.type(rest.join(""));
      const whole = table.wholeCosts();
      const least = new Int16Array(table.words.length).fill(2 ** 15 - 1);
      whole.forEach((row, more) => {
        const toCome = TO_COME * (rest.length - more);
        for (let column = 0; column < least.length; column++) {
          if (row[column] + toCome < least[column]) least[column] = row[column] + toCome;
        }
      });
      found = { whole, beyond: table.costs().beginnings, least };
      this.#known.set(name, found);
    }
    return found;
  }

  #tableFrom(start) {
    if (!this.#tables.has(start)) this.#tables.set(start, this.#later.table.another());
    return this.#tables.get(start);
  }
}
