// The glass box: sends what is typed to the worker that reads it, and shows the results word by word.
import { draw } from "./chart.js";
import { handOver } from "./offline.js";
import { number } from "./unit-drawing.js";
import { UnitView } from "./unit-view.js";

const FOLLOWED = { "gates.onnx": 17 }; // the unit that the course describes
const TEXT =
  "long ago , the mice had a general council to consider what measures they could take to outwit their common " +
  "enemy , the cat . some said this , and some said that but at last a young mouse got up and said he had a ";

const $ = (id) => document.getElementById(id);
const text = $("text");
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

let worker; // created once the service worker is active
let model = null; // what the file says about itself
let turn = 0; // number of the text, so that results for an older one can be recognised
let words = [];
let leftOut = null;
let own = null; // the user's own file
let loaded = { value: "", own }; // the choice in the list of models at the last load

const view = new UnitView({
  onWord: (place) => {
    if (leftOut === null) worker.postMessage({ turn, after: place });
  },
  onLeaveOut: (place) => {
    leftOut = place;
    $("without").hidden = place === null;
    if (place === null) return worker.postMessage({ turn, after: view.word });
    $("chart-2-name").textContent = `Without “${words[place]}”`;
    $("change").textContent = "";
    worker.postMessage({ turn, after: words.length - 1 });
    worker.postMessage({ turn, without: place });
  },
});

function read() {
  worker.postMessage({ read: { text: text.value, turn: ++turn } });
}

function load(source, name) {
  $("file-message").textContent = "";
  $("model").textContent = `Loading ${name}…`;
  worker.postMessage({ load: { source, name } });
}

function describe() {
  if (!model) return ($("model").textContent = "No model is loaded.");
  const { info, name } = model;
  const unit = info.splitBy === "subwords" ? "subword" : info.splitBy === "characters" ? "character" : "word";
  const reads = info.context === null ? `every ${unit} before` : `the last ${info.context} ${unit}s`;
  const size = `${info.dictionary.toLocaleString("en")} ${unit}s`;
  const cell = info.cell === "feedforward" ? "feed-forward" : info.cell.toUpperCase();
  const cells = `${info.layers} × ${info.hidden} ${cell}`;
  $("model").textContent = `${name}: ${cells}, knows ${size}, reads ${reads}`;
}

/** Notes on a model that cannot be shown in full. */
function limits({ info, showsUnits }) {
  if (!showsUnits) {
    return "The weights of this file cannot be read here; to see units, drop a nextword.onnx exported by dvc repro.";
  }
  const found = [];
  if (info.cell === "feedforward") {
    found.push(`No state is carried: each column is computed from the last ${info.context} words.`);
  } else if (info.context !== null) {
    found.push(`The model reads the last ${info.context} words, from the zero state each time; the others are shown faintly.`);
  }
  if (info.weights === "int8") {
    found.push("The model rounds to 8 bits as it runs; the units are computed from its weights without that rounding.");
  }
  return found.join(" ");
}

const takes = {
  loaded(found) {
    model = found;
    loaded = { value: $("source").value, own };
    const { info, name, showsUnits } = found;
    describe();
    $("nothing").textContent = limits(found);
    $("nothing").hidden = !$("nothing").textContent;
    const units = showsUnits ? info.hidden : 0;
    const isRecurrent = info.cell !== "feedforward";
    view.begin({ layers: info.layers, units, follow: FOLLOWED[name] ?? 0, isRecurrent });
    read();
  },

  words(found, message) {
    words = found;
    view.take(message);
    $("message").textContent = message.note;
  },

  column({ place, layers }) {
    view.column(place, layers);
  },

  lost({ place, nats }) {
    view.lost(place, nats);
  },

  expected(rows, { after, without, next }) {
    if (without !== undefined) return showWithout(rows, next);
    if (after === undefined && !view.isAtEnd) return worker.postMessage({ turn, after: view.word });
    if (after !== undefined && after !== (leftOut === null ? view.word : words.length - 1)) return;
    draw($("chart"), rows);
    const isWhole = after === undefined || after === words.length - 1;
    $("chart-name").textContent = isWhole ? "After the whole text" : `After “${words[after]}”, word ${after + 1}`;
  },

  isDone() {
    document.documentElement.dataset.measured = turn;
  },

  error(message, { isFile }) {
    describe();
    if (isFile) choose(loaded);
    $(isFile ? "file-message" : "message").textContent = message;
    $(isFile ? "file-message" : "message").classList.add("error");
  },

  fault(message) {
    throw new Error(message);
  },
};

function showWithout(rows, { word, before, after }) {
  draw($("chart-2"), rows);
  const nats = before - after;
  const verb = nats < 0 ? "rises" : "falls";
  const shares = `from ${percent.format(Math.exp(before))} to ${percent.format(Math.exp(after))}`;
  $("change").textContent = `ln P(“${word}”) ${verb} by ${number(Math.abs(nats), 2)} nats, ${shares}.`;
}

function start() {
  worker = new Worker(new URL("./glass-box-worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }) => {
    const kind = Object.keys(takes).find((one) => data[one] !== undefined);
    // Words and columns are always taken: what a newer text shares with the last one is not sent again.
    const isOld = data.turn !== undefined && data.turn !== turn;
    if (isOld && !["words", "column"].includes(kind)) return;
    takes[kind](data[kind], data);
    if (kind === "expected") document.documentElement.dataset.ready = "true";
  });
  worker.addEventListener("error", ({ message }) => {
    $("model").textContent = message || "The worker could not be started.";
  });
}

// ── user actions ─────────────────────────────────────────────────────────────────────────────────

text.addEventListener("input", read);
$("source").addEventListener("change", loadChosen);

/** Loads the choice in the list of models: a file beside the page, or the user's own. */
function loadChosen() {
  const { value } = $("source");
  if (value) load(new URL(value, location).href, value.split("/").at(-1));
  else load(own, own.name);
}

/** Sets the list of models. */
function choose({ value, own: file }) {
  own = file;
  Object.assign($("own"), { textContent: file?.name ?? "", hidden: !file });
  $("source").value = value;
}

function loadFile(file) {
  choose({ value: "", own: file });
  loadChosen();
}
$("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  target.value = ""; // the same file can be chosen again
  if (file) loadFile(file);
});
for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", isOver);
    const [file] = name === "drop" ? event.dataTransfer.files : [];
    if (file) loadFile(file);
  });
}

text.value = TEXT;
text.setSelectionRange(TEXT.length, TEXT.length);
await handOver();
start();
loadChosen();
