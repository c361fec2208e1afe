// The curves of a run as an SVG: the loss, and the accuracy with the highest possible one.
import { make } from "./svg.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [400, 220, 34, 48, 10, 24];

/** Draws `points`, `{ step, loss, accuracy }`; only points where it was measured have an accuracy. */
export function draw(svg, points, possible) {
  const last = Math.max(10, points.at(-1)?.step ?? 0);
  const most = Math.max(1, ...points.map(({ loss }) => loss));
  const x = (step) => LEFT + ((WIDTH - LEFT - RIGHT) * step) / last;
  const y = (share) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
  const line = (values) => values.map(([step, share], place) => `${place ? "L" : "M"}${x(step)} ${y(share)}`).join("");
  const measured = points.filter(({ accuracy }) => accuracy !== undefined);
  const parts = [
    make("path", { class: "axis", d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}V${TOP}` }),
    make("path", { class: "possible", d: line([[0, possible], [last, possible]]) }),
    make("path", { class: "loss", d: line(points.map(({ step, loss }) => [step, loss / most])) }),
    make("path", { class: "accuracy", d: line(measured.map(({ step, accuracy }) => [step, accuracy])) }),
    make("text", { x: LEFT - 4, y: y(1) + 8, "text-anchor": "end" }, most.toFixed(1)),
    make("text", { x: LEFT - 4, y: y(0), "text-anchor": "end" }, "0"),
    make("text", { x: WIDTH - RIGHT + 4, y: y(1) + 8 }, "100%"),
    make("text", { x: WIDTH - RIGHT + 4, y: y(0) }, "0%"),
    make("text", { x: x(last), y: HEIGHT - 8, "text-anchor": "end" }, `step ${last}`),
    make("text", { x: LEFT, y: HEIGHT - 8 }, "0"),
  ];
  svg.replaceChildren(...parts);
}
