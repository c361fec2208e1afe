// The page: what is typed goes to the model, what it answers goes back into the page.
import * as model from "./model.js";
import { NextwordError, UnknownWordError, join, split } from "./vendor/nextword.js";

const SUGGESTIONS = 3;
const BARS = 8;

const $ = (id) => document.getElementById(id);
const text = $("text");

let info; // what the model says of itself
let isAsking = false; // whether the model is looking for suggestions
let isStale = false; // whether the text has changed since it was asked
let writing = null; // what "Continue" is writing
let tabLeaves = false; // whether Escape gave Tab back to the browser

// ── the model ───────────────────────────────────────────────────────────────────────────────────

async function load(source, name) {
  $("model").textContent = `Loading ${name}…`;
  writing?.stop();
  try {
    info = await model.load(source);
  } catch (error) {
    $("model").textContent = info ? describe($("model").dataset.name) : "No model is loaded.";
    say(error);
    return;
  }
  $("model").dataset.name = name;
  $("model").textContent = describe(name);
  $("continue").disabled = false;
  $("top-k").max = Math.min(info.dictionary.length, 100);
  show();
  await answer();
}

function describe(name) {
  const reads = info.context === null ? "every word before" : `the last ${info.context} words`;
  const words = info.dictionary.length.toLocaleString("en");
  return `${name}: ${info.layers} × ${info.hidden} ${info.cell.toUpperCase()}, knows ${words} words, reads ${reads}`;
}

// ── suggestions and chart ───────────────────────────────────────────────────────────────────────

/** Shows what may come next. While the model is busy with one text, only the newest waits. */
async function answer() {
  if (!info || writing) return;
  isStale = true;
  if (isAsking) return;
  isAsking = true;
  try {
    while (isStale && !writing) {
      isStale = false;
      await answerFor(text.value);
    }
  } finally {
    isAsking = false;
  }
}

async function answerFor(typed) {
  let likeliest = [];
  let message = "";
  let words;
  try {
    if (typed.trim()) likeliest = await model.suggest(typed, Math.min(BARS, info.dictionary.length - 1));
    words = likeliest.map(({ word }) => word);
  } catch (error) {
    if (!(error instanceof NextwordError)) throw error;
    words = error instanceof UnknownWordError ? error.neighbours : [];
    // The first word has nothing before it that could be read, but it can be completed.
    if (error.name !== "PromptError") message = error.message;
  }
  if (typed !== text.value) return; // an answer that comes late
  if (!likeliest.length && !message) words = mostFrequent(lastWord(typed));
  offer(words.slice(0, SUGGESTIONS));
  draw(likeliest);
  $("message").textContent = message;
}

/** The dictionary's words that begin with a prefix; they stand there by frequency. */
function mostFrequent(prefix) {
  return info.dictionary.filter((word, id) => word.startsWith(prefix) && id !== info.unknown);
}

/** What was typed of the last word, if no blank follows. */
function lastWord(typed) {
  const { splitBy, lowercase, lineEnds } = info;
  return /\s$/u.test(typed) ? "" : (split(typed, splitBy, lowercase, lineEnds).at(-1) ?? "");
}

/** A word as people read it. */
function shown(word) {
  return info.lineEnds && word === "<eos>" ? "↵" : word;
}

function offer(words) {
  $("suggestions").replaceChildren(
    ...words.map((word) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = shown(word);
      button.addEventListener("click", () => accept(word));
      return button;
    }),
  );
}

/** Puts a suggestion into the text: in place of a half-typed or unknown word, or after a whole one. */
function accept(word) {
  const { dictionary, splitBy, lineEnds } = info;
  let typed = text.value;
  const last = lastWord(typed);
  if (last && !dictionary.includes(last)) typed = typed.slice(0, typed.length - last.length);
  const before = split(typed, splitBy, false, lineEnds);
  const piece = join([...before, word], splitBy, lineEnds).slice(join(before, splitBy, lineEnds).length);
  text.value = typed + (/\s$/u.test(typed) ? piece.replace(/^ +(?=.)/u, "") : piece);
  text.focus();
  text.setSelectionRange(text.value.length, text.value.length);
  return answer();
}

function draw(likeliest) {
  const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
  $("chart").replaceChildren(
    ...likeliest.map(({ word, probability }) => {
      const row = document.createElement("li");
      for (const [name, content] of [["bar", ""], ["word", shown(word)], ["share", percent.format(probability)]]) {
        const part = document.createElement("span");
        part.className = name;
        part.textContent = content;
        row.append(part);
      }
      row.firstChild.style.width = `${100 * probability}%`;
      row.firstChild.ariaHidden = "true";
      return row;
    }),
  );
}

// ── continuing ──────────────────────────────────────────────────────────────────────────────────

function knobs() {
  const temperature = Number($("temperature").value);
  if (!temperature) return {};
  const seed = $("seed").value === "" ? null : Number($("seed").value);
  return { temperature, topK: Number($("top-k").value), topP: Number($("top-p").value), seed };
}

async function continueText() {
  if (writing) return writing.stop();
  $("continue").textContent = "Stop";
  $("message").textContent = "";
  text.readOnly = true;
  let found = null;
  writing = model.stream(text.value, Number($("words").value), knobs(), (piece) => {
    text.value += piece;
    text.scrollTop = text.scrollHeight;
  });
  try {
    await writing.done;
  } catch (error) {
    found = error;
  }
  writing = null;
  text.readOnly = false;
  $("continue").textContent = "Continue";
  if (found) say(found);
  else await answer();
}

function say(error) {
  if (!(error instanceof NextwordError)) throw error;
  $("message").textContent = error.message;
}

function show() {
  const temperature = Number($("temperature").value);
  $("drawing").disabled = !temperature;
  $("temperature-value").value = temperature.toFixed(2);
  $("top-k-value").value = Number($("top-k").value) || "all words";
  $("top-p-value").value = Number($("top-p").value).toFixed(2);
}

// ── what a person does ──────────────────────────────────────────────────────────────────────────

text.addEventListener("input", answer);
text.addEventListener("blur", () => (tabLeaves = false));
text.addEventListener("keydown", (event) => {
  const first = $("suggestions").firstElementChild;
  if (event.key === "Escape") tabLeaves = true;
  else if (event.key === "Tab" && !event.shiftKey && !tabLeaves && first && !writing) {
    event.preventDefault();
    first.click();
  }
});
$("continue").addEventListener("click", continueText);
$("clear").addEventListener("click", () => {
  writing?.stop();
  text.value = "";
  text.focus();
  answer();
});
for (const id of ["temperature", "top-k", "top-p"]) $(id).addEventListener("input", show);

$("file").addEventListener("change", (event) => take(event.target.files));
for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", isOver);
    if (name === "drop") take(event.dataTransfer.files);
  });
}

async function take([file]) {
  if (file) await load(file, file.name);
}

/** Lets the service worker take over first, so that the page does not fetch what it is fetching to keep. */
async function handOver() {
  try {
    const registration = await navigator.serviceWorker.register("service-worker.js");
    const { installing, active } = registration;
    if (active || !installing) return;
    await new Promise((resolve) => {
      installing.addEventListener("statechange", () => {
        if (["activated", "redundant"].includes(installing.state)) resolve();
      });
    });
  } catch {
    // without a service worker the page works as long as there is a network
  }
}

show();
await handOver();
await load("vendor/nextword.int8.onnx", "nextword.int8.onnx");
document.documentElement.dataset.ready = "true";
