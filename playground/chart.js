// Words and their probabilities as bars, which a screen reader reads as a list.

const LEAST = 0.0005; // of a bar; smaller ones are left out
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

/** Draws `[{ label, probability }]` into a list; what is left up to 1 gets a bar too. */
export function draw(list, rows) {
  const shown = rows.filter(({ probability }, place) => !place || probability >= LEAST);
  const rest = 1 - shown.reduce((sum, { probability }) => sum + probability, 0);
  const bars = shown.map((row) => bar(row));
  if (shown.length && rest >= LEAST) bars.push(bar({ label: "all others", probability: rest, isRest: true }));
  list.replaceChildren(...bars);
}

function bar({ label, probability, isRest = false }) {
  const row = document.createElement("li");
  row.classList.toggle("rest", isRest);
  const share = probability < LEAST ? "< 0.1%" : percent.format(probability);
  for (const [name, content] of [["bar", ""], ["word", label], ["share", share]]) {
    const part = document.createElement("span");
    part.className = name;
    part.textContent = content;
    row.append(part, name === "word" ? " " : "");
  }
  row.firstChild.style.width = `${100 * Math.min(probability, 1)}%`;
  row.firstChild.ariaHidden = "true";
  return row;
}
