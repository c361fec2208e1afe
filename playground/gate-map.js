// The gates and the state of a model's units after each of a few words, as a heat map that changes as the model learns.
import { Colors, HeatMap, PARTS, isGate } from "./heat-map.js";
import { number } from "./unit-drawing.js";

const [SHORTEST, TALLEST] = [128, 320]; // of the map in pixels
const WIDEST = 96; // of a column

const $ = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Draws into the elements of the page: `gate-map`, `gate-words`, `gate-layer`, `gate-part` and `gate-note`. */
export class GateMap {
  #words = [];
  #columns = []; // after each word: for each layer, the values of the units by the name of the part

  constructor() {
    for (const id of ["gate-layer", "gate-part"]) $(id).addEventListener("change", () => this.#draw());
    dark.addEventListener("change", () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe($("gate-map").parentElement);
  }

  /** Shows words, and the layers after each. */
  take(words, columns) {
    [this.#words, this.#columns] = [words, columns];
    const { length } = columns[0];
    offer($("gate-layer"), Array.from({ length }, (_, layer) => [layer, layer + 1]), length - 1);
    $("gate-layer").parentElement.hidden = length === 1;
    offer($("gate-part"), Object.keys(columns[0][0]).map((name) => [name, PARTS[name] ?? "hidden state"]));
    this.#draw();
  }

  /** Shows nothing. */
  clear() {
    this.#words = this.#columns = [];
    this.#draw();
  }

  #draw() {
    const canvas = $("gate-map");
    const part = $("gate-part").value;
    const columns = this.#columns.map((layers) => layers[Number($("gate-layer").value)][part]);
    $("gate-words").replaceChildren(...this.#words.map((word) => Object.assign(document.createElement("span"), { textContent: word })));
    canvas.hidden = !columns.length;
    $("gate-note").textContent = "";
    if (!columns.length) return;
    const units = columns[0].length;
    const width = Math.min(WIDEST, Math.floor(canvas.parentElement.clientWidth / columns.length));
    const height = Math.max(SHORTEST, Math.min(TALLEST, 6 * units));
    $("gate-words").style.setProperty("--column", `${width}px`);
    const most = Math.max(1, Math.ceil(Math.max(...columns.map((values) => Math.max(...values.map(Math.abs))))));
    const colors = new Colors(part, most, dark.matches);
    const map = new HeatMap(units);
    columns.forEach((values, place) => map.set(place, values, colors));
    Object.assign(canvas, { width: width * columns.length * devicePixelRatio, height: height * devicePixelRatio });
    canvas.style.width = `${width * columns.length}px`;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    map.draw(context, 0, columns.length, 0, width, height / units);
    const name = $("gate-part").selectedOptions[0].text;
    const means = columns.map((values) => values.reduce((sum, value) => sum + (isGate(part) ? value : Math.abs(value)), 0) / units);
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    const [least, greatest] = colors.ends;
    const scale = isGate(part) ? `${least} is blue, ${greatest} yellow` : `${least} is orange, ${greatest} violet`;
    const average = isGate(part) ? "on average" : "on average, whatever the sign,";
    $("gate-note").textContent = `${units} units: ${scale}; ${average} ${number(mean, 2)}.`;
    const each = this.#words.map((word, place) => `${word} ${number(means[place], 2)}`).join(", ");
    canvas.setAttribute("aria-label", `The ${name} of ${units} units after each word, averages: ${each}`);
  }
}

/** Puts options into a list, `[value, name]`, unless they are there; `chosen` is the value that is chosen then. */
function offer(list, options, chosen = options[0][0]) {
  const isSame = list.length === options.length && options.every(([value], place) => list.options[place].value === String(value));
  if (isSame) return;
  list.replaceChildren(...options.map(([value, name]) => new Option(name, value)));
  list.value = chosen;
}
