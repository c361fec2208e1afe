// The page: sends what is typed to the models, and shows their answers.
import { draw } from "./chart.js";
import { Field } from "./field.js";
import * as model from "./model.js";
import { kept } from "./learned.js";
import { handOver } from "./offline.js";
import { personal } from "./personal.js";
import { NextwordError } from "./vendor/nextword.js";

const SUGGESTIONS = 3;
const BARS = 8;
const QUIET = 600; // milliseconds without a key until suggestions are read out
const ENDS_WORD = /^[\s\p{P}]$/u; // what is typed after a word that can be corrected
const AFTER_WORD = /[^\p{L}\p{M}\p{N}]*$/u;

const $ = (id) => document.getElementById(id);
const text = $("text");
const field = new Field(text, $("mirror"));

let models = []; // each model's info and name
let isAsking = false; // whether the models are computing suggestions
let isStale = false; // whether the text has changed since the last request
let writing = null; // what "Continue" is writing
let tabLeaves = false; // whether Escape gave Tab back to the browser
let isTyping = false; // whether the last change was a key that can end a word
let lastBefore = ""; // the text before the caret after the last change
let wanted = null; // the place of a suggestion that was taken before it was known
let corrected = null; // the word that was corrected last, until anything else happens: { start, end, caret, was, now }
let reading; // the timer after which suggestions are read out

// ── the models ──────────────────────────────────────────────────────────────────────────────────

async function load(place, source, name) {
  say("file-message", "");
  $("model").textContent = `Loading ${name}…`;
  writing?.stop();
  try {
    const found = await model.load(place, source);
    const names = models.map((one) => one.name);
    names[place] = name;
    await take(found, names);
  } catch (error) {
    describe();
    say("file-message", error);
  }
}

/** Shows the current models. */
async function take({ infos, isTogether, canBeTogether }, names) {
  models = infos.map((info, place) => ({ info, name: names[place] }));
  const areTwo = models.length > 1;
  describe();
  $("second").hidden = !areTwo;
  $("second-name").textContent = areTwo ? models[1].name : "";
  $("add").textContent = areTwo ? "Replace the second" : "Add a second model";
  $("together").checked = isTogether;
  $("apart").checked = !isTogether;
  $("together").disabled = !canBeTogether;
  $("together-help").hidden = canBeTogether;
  $("chart-2-part").hidden = isTogether;
  $("chart-name").textContent = isTogether ? "" : models[0].name;
  $("chart-2-name").textContent = areTwo ? models[1].name : "";
  $("continue").disabled = false;
  $("top-k").max = Math.min(models[0].info.dictionary.length, 100);
  show();
  await words.refresh();
  await answer();
}

function describe() {
  const one = ({ info, name }) => {
    const unit = info.splitBy === "subwords" ? "subword" : "word";
    const reads = info.context === null ? `every ${unit} before` : `the last ${info.context} ${unit}s`;
    const size = `${info.dictionary.length.toLocaleString("en")} ${unit}s`;
    return `${name}: ${info.layers} × ${info.hidden} ${info.cell.toUpperCase()}, knows ${size}, reads ${reads}`;
  };
  $("model").textContent = models.length ? models.map(one).join("; ") : "No model is loaded.";
}

async function set(settings) {
  try {
    await take(await model.set(settings), models.map(({ name }) => name));
  } catch (error) {
    say("file-message", error);
  }
}

// ── suggestions and charts ──────────────────────────────────────────────────────────────────────

/** Shows what may come next. While the models are busy with one text, only the newest waits. */
async function answer() {
  if (!models.length || writing) return;
  isStale = true;
  if (isAsking) return;
  isAsking = true;
  try {
    while (isStale && !writing) {
      isStale = false;
      await answerFor(field.before);
    }
  } catch (error) {
    say("message", error);
  } finally {
    isAsking = false;
  }
}

async function answerFor(before) {
  const { suggestions, correction } = await model.type(before, BARS);
  if (before !== field.before || writing) return; // an answer that comes too late
  const place = wanted;
  wanted = null;
  if (correction && isTyping && $("correct").checked) return correct(before, correction);
  offer(suggestions[0].slice(0, SUGGESTIONS), before);
  suggestions.forEach((found, place) => {
    const rows = found.map((one) => ({ label: shown(one), probability: one.probability }));
    draw($(place ? "chart-2" : "chart"), rows);
  });
  if (place !== null) $("suggestions").children[place]?.click();
}

/** A suggestion as it is shown. */
function shown({ insert }) {
  return insert === "\n" ? "↵" : insert.trim() || "␣";
}

/** Shows suggestions for a text before the caret. */
function offer(suggestions, before) {
  $("suggestions").replaceChildren(
    ...suggestions.map((suggestion, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = shown(suggestion);
      button.className = suggestion.kind.replace(" ", "-");
      button.title = `${suggestion.kind} (Alt+${place + 1})`;
      button.setAttribute("aria-keyshortcuts", `Alt+${place + 1}`);
      button.addEventListener("click", () => accept(suggestion, place, before));
      return button;
    }),
  );
  clearTimeout(reading);
  reading = setTimeout(() => {
    $("read-out").textContent = suggestions.length ? `Suggestions: ${suggestions.map(shown).join(", ")}` : "";
  }, QUIET);
}

/** Puts a suggestion into the text; if that has changed since, the one that comes in its place. */
function accept(suggestion, place, before) {
  if (before !== field.before) {
    wanted = place;
    return;
  }
  isTyping = false;
  field.put(suggestion, models[0].info.splitBy);
}

/** Puts a correction into the text; Backspace undoes it if it is the next thing to happen. */
function correct(before, { replace, insert }) {
  const start = before.length - replace;
  const was = before.slice(start);
  const rest = AFTER_WORD.exec(was)[0].length; // in both
  const now = insert.slice(0, insert.length - rest);
  isTyping = false;
  field.change(start, before.length, insert);
  field.mark(start, start + now.length);
  const caret = start + insert.length;
  corrected = { start, end: start + now.length, caret, was: was.slice(0, was.length - rest), now };
  note();
}

function takeBack() {
  const { start, end, caret, was } = corrected;
  const back = caret + was.length - (end - start);
  field.unmark(start);
  field.change(start, end, was);
  text.setSelectionRange(back, back);
  answer();
}

/** Whether the caret is where the last correction left it. */
function isAfterCorrection() {
  return text.selectionStart === corrected?.caret && text.selectionEnd === corrected.caret;
}

/** Lets the last correction be: from now on, Backspace deletes a character. */
function settle() {
  if (!corrected) return;
  corrected = null;
  say("message", "");
}

/** Says what was corrected, and offers to undo it. */
function note() {
  say("message", `“${corrected.was}” was corrected to “${corrected.now}”. `);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = `Keep “${corrected.was}”`;
  button.title = "Backspace";
  button.setAttribute("aria-keyshortcuts", "Backspace");
  button.addEventListener("click", takeBack);
  $("message").append(button);
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
  corrected = null;
  say("message", "");
  if (!checked("words", "words to add") || !checked("seed", "the seed")) return;
  offer([], field.before);
  draw($("chart"), []);
  draw($("chart-2"), []);
  $("continue").textContent = "Stop";
  let found = null;
  const { before } = field;
  writing = model.stream(before, Number($("words").value), knobs(), (piece) => {
    field.change(text.selectionStart, text.selectionStart, piece);
    if (text.selectionEnd === text.value.length) text.scrollTop = text.scrollHeight;
  });
  try {
    await writing.done;
  } catch (error) {
    found = error;
  }
  writing = null;
  const { value, selectionEnd: caret } = text;
  if (/\S$/u.test(field.before) && /^\S/u.test(value.slice(caret))) field.change(caret, caret, " ");
  $("continue").textContent = "Continue";
  await answer();
  if (found) say("message", found);
}

/** Whether a field has a number in its range; reports an error otherwise. */
function checked(id, name) {
  const input = $(id);
  const isGood = input.checkValidity() && (id === "seed" || input.value !== "");
  input.setAttribute("aria-invalid", String(!isGood));
  if (!isGood) {
    const most = Number(input.max).toLocaleString("en");
    say("message", `${name} must be a whole number from ${input.min} to ${most}`, true);
    input.focus();
  }
  return isGood;
}

/** Shows a text or an error where it belongs. */
function say(id, message, isError = message instanceof Error) {
  if (message instanceof Error && !(message instanceof NextwordError)) throw message;
  $(id).classList.toggle("error", isError);
  $(id).textContent = message instanceof Error ? message.message : message;
}

function show() {
  const temperature = Number($("temperature").value);
  $("drawing").disabled = !temperature;
  $("temperature-value").value = temperature.toFixed(2);
  $("top-k-value").value = Number($("top-k").value) || "all words";
  $("top-p-value").value = Number($("top-p").value).toFixed(2);
}

// ── user actions ─────────────────────────────────────────────────────────────────────────────────

const words = personal(answer, say);

text.addEventListener("beforeinput", (event) => {
  if (writing && !field.isOwn) event.preventDefault(); // not while the model writes
});
text.addEventListener("input", (event) => {
  if (!field.isOwn) {
    isTyping = event.inputType === "insertLineBreak" || (event.inputType === "insertText" && ENDS_WORD.test(event.data));
  }
  lastBefore = field.before;
  wanted = null;
  settle();
  answer();
});
document.addEventListener("selectionchange", () => {
  if (document.activeElement !== text) return;
  if (field.before !== lastBefore) isTyping = false; // the caret has moved
  if (!isAfterCorrection()) settle();
  answer();
});
text.addEventListener("blur", () => (tabLeaves = false));
text.addEventListener("keydown", (event) => {
  const digit = event.altKey && /^Digit([1-3])$/.exec(event.code);
  const chosen = $("suggestions").children[digit ? digit[1] - 1 : 0];
  if (event.key === "Escape") tabLeaves = true;
  else if (event.key === "Backspace" && isAfterCorrection() && !event.ctrlKey) {
    event.preventDefault();
    takeBack();
  } else if (chosen && !writing && (digit || (event.key === "Tab" && !event.shiftKey && !tabLeaves))) {
    event.preventDefault();
    chosen.click();
  }
});
// A tap leaves the caret, and a phone's keyboard, where they are.
$("suggestions").addEventListener("pointerdown", (event) => event.preventDefault());
$("continue").addEventListener("click", continueText);
$("clear").addEventListener("click", () => {
  writing?.stop();
  say("message", "");
  field.change(0, text.value.length, "");
  answer();
});
$("learn").addEventListener("click", () => words.learn(text.value));
for (const id of ["temperature", "top-k", "top-p"]) $(id).addEventListener("input", show);
$("layout").addEventListener("change", ({ target }) => set({ layout: target.value }));
for (const id of ["together", "apart"]) $(id).addEventListener("change", () => set({ isTogether: id === "together" }));
$("remove").addEventListener("click", async () => {
  await take(await model.remove(), [models[0].name]);
  $("file-2").focus();
});

for (const [id, place] of [["file", 0], ["file-2", 1]]) {
  $(id).addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    target.value = ""; // the same file can be chosen again
    if (file) await load(place, file, file.name);
  });
}
for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  addEventListener(name, async (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", isOver);
    if (name !== "drop") return;
    for (const [place, file] of [...event.dataTransfer.files].slice(0, 2).entries()) await load(place, file, file.name);
  });
}

show();
await handOver();
const learned = new URLSearchParams(location.search).get("model") === "learned" && (await kept());
if (learned) await load(0, learned, learned.name);
else await load(0, "vendor/nextword.int8.onnx", "nextword.int8.onnx");
document.documentElement.dataset.ready = "true";
