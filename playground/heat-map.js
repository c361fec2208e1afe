// Numbers as colours: a picture of units and words, one pixel each, that grows by one column per word.

export const MOST_WORDS = 1000; // of a text that is shown

const STEPS = 256;
// From 0 to 1: matplotlib's cividis, which is legible in any light and to any eye.
const GATE = "#00224e #123570 #3b496c #575d6d #707173 #8a8678 #a59c74 #c3b369 #e1cc55 #fee838".split(" ");
// Around 0: ColorBrewer's PuOr; 0 is as light or dark as the page.
const STATE = {
  light: "#7f3b08 #b35806 #e08214 #fdb863 #fee0b6 #f7f7f7 #d8daeb #b2abd2 #8073ac #542788 #2d004b".split(" "),
  dark: "#ffd9a3 #fdb863 #e08214 #b35806 #6b3a0b #20262a #453a72 #6a5aa6 #8f82c4 #b5abe0 #dcd6f7".split(" "),
};
const GATES = ["forget", "input", "output", "update", "reset"];

/** The names of the gates and of the cell state, as they are shown. */
export const PARTS = {
  forget: "forget gate",
  input: "input gate",
  output: "output gate",
  update: "update gate",
  reset: "reset gate",
  cell: "cell state",
};

export const isGate = (name) => GATES.includes(name);

const bytes = (color) => [1, 3, 5].map((place) => parseInt(color.slice(place, place + 2), 16));

/** The colours from the first to the last, in `STEPS` steps, as `[red, green, blue]`. */
function between(colors) {
  const stops = colors.map(bytes);
  return Array.from({ length: STEPS }, (_, step) => {
    const place = (step / (STEPS - 1)) * (stops.length - 1);
    const stop = Math.min(Math.floor(place), stops.length - 2);
    return stops[stop].map((from, channel) => Math.round(from + (place - stop) * (stops[stop + 1][channel] - from)));
  });
}

const ramps = { gate: between(GATE), light: between(STATE.light), dark: between(STATE.dark) };

/** The colours of a gate, from 0 to 1, or of a state, from -`most` to `most`. */
export class Colors {
  #ramp;
  #isGate;
  #most;

  constructor(name, most, isDark) {
    this.#isGate = isGate(name);
    this.#ramp = ramps[this.#isGate ? "gate" : isDark ? "dark" : "light"];
    this.#most = most;
  }

  /** The ends of the scale, as they are shown. */
  get ends() {
    return this.#isGate ? ["0", "1"] : [`−${this.#most}`, `+${this.#most}`];
  }

  /** The colour of a value as `[red, green, blue]`. */
  of(value) {
    const share = this.#isGate ? value : (value / this.#most + 1) / 2;
    return this.#ramp[Math.max(0, Math.min(STEPS - 1, Math.round(share * (STEPS - 1))))];
  }

  /** The CSS colour of a value, and that of text on it. */
  css(value) {
    const [red, green, blue] = this.of(value);
    const isLight = 0.299 * red + 0.587 * green + 0.114 * blue > 140;
    return { back: `rgb(${red} ${green} ${blue})`, front: isLight ? "#000" : "#fff" };
  }

  /** Draws the scale into a canvas one pixel high. */
  drawScale(canvas) {
    const context = canvas.getContext("2d");
    this.#ramp.forEach(([red, green, blue], step) => {
      const width = canvas.width / STEPS;
      context.fillStyle = `rgb(${red} ${green} ${blue})`;
      context.fillRect(step * width, 0, Math.ceil(width), 1);
    });
  }
}

export class HeatMap {
  #picture = document.createElement("canvas");
  #context;
  #column;

  constructor(units) {
    Object.assign(this.#picture, { width: MOST_WORDS, height: units });
    this.#context = this.#picture.getContext("2d");
    this.#column = this.#context.createImageData(1, units);
  }

  /** Draws the values of one word. */
  set(place, values, colors) {
    const { data } = this.#column;
    for (let unit = 0, at = 0; unit < values.length; unit++, at += 4) {
      const color = colors.of(values[unit]);
      data[at] = color[0];
      data[at + 1] = color[1];
      data[at + 2] = color[2];
      data[at + 3] = 255;
    }
    this.#context.putImageData(this.#column, place, 0);
  }

  /** Clears the words between two places. */
  clear(from, to) {
    this.#context.clearRect(from, 0, to - from, this.#picture.height);
  }

  /** Draws `count` words from `from` on into a context, each `width` wide and each unit `height` high. */
  draw(context, from, count, left, width, height) {
    context.imageSmoothingEnabled = false;
    const { height: units } = this.#picture;
    context.drawImage(this.#picture, from, 0, count, units, left, 0, count * width, units * height);
  }
}
