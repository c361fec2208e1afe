// "How far back it learns" in a real Chromium.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { PHONE, Visits, checkWidth } from "./browser.js";

const RHYME = "one for the money , two for the show , three to get ready , and four to go . ".repeat(8);

let page;
const visits = new Visits("gradients.html", "[data-step='0']");

beforeEach(async () => {
  await page?.context().close();
  page = await visits.open();
});

const says = (id, part) =>
  page.waitForFunction(([at, to]) => document.querySelector(at).textContent.includes(to), [id, part], { timeout: 60_000 });

const steps = (least) => page.waitForFunction((one) => Number(document.documentElement.dataset.step) >= one, least, { timeout: 120_000 });

/** The table: for each cell, the gradient at the last word and far back, and P in percent. */
async function numbers() {
  const rows = await page.locator("#numbers tbody tr").all();
  const powers = { "⁻": "-", "⁰": 0, "¹": 1, "²": 2, "³": 3, "⁴": 4, "⁵": 5, "⁶": 6, "⁷": 7, "⁸": 8, "⁹": 9 };
  const read = (text) => Number(text.replace(/ × 10(.+)/, (_, power) => `e${[...power].map((one) => powers[one]).join("")}`).replace(" %", ""));
  const cells = rows.map(async (row) => {
    const [cell, ...values] = await row.locator("th, td").allTextContents();
    return [cell, values.map(read)];
  });
  return Object.fromEntries(await Promise.all(cells));
}

test("before training no loss reaches the country; the network whose loss comes to reach it learns the language", async () => {
  assert.match(await page.textContent("#back"), /at the country, 15 words back/);
  for (const [cell, [near, far, right]] of Object.entries(await numbers())) {
    assert.ok(near > 0.1 && far < 1e-3, `${cell}: ${near}, ${far}`);
    assert.ok(right < 5, `${cell}: ${right} %`);
  }
  assert.equal(await page.locator("#flow path.before").count(), 0);
  await page.click("#go");
  await steps(110);
  await page.click("#go");
  await says("#go", "Start");
  const { RNN, GRU } = await numbers();
  assert.ok(GRU[1] > 30 * RNN[1], `${GRU[1]} beside ${RNN[1]}`);
  assert.ok(GRU[2] > 50 && RNN[2] < 25, `${GRU[2]} % beside ${RNN[2]} %`);
  assert.equal(await page.locator("#flow path.before").count(), 3);
});

test("the gates of each cell are shown for a passage, word by word", async () => {
  const part = () => page.locator("#gate-part option").allTextContents();
  assert.deepEqual(await part(), ["update gate", "reset gate", "hidden state"]);
  assert.equal(await page.locator("#gate-words span").count(), 16);
  assert.match(await page.textContent("#gate-text"), /speaks”, which “\w+(?:ish|ese|an|ch|ek)” follows/);
  await page.selectOption("#cell", "lstm");
  assert.deepEqual(await part(), ["forget gate", "input gate", "output gate", "cell state", "hidden state"]);
  await page.selectOption("#cell", "rnn");
  assert.deepEqual(await part(), ["hidden state"]);
});

test("the user's own text is learned by all three", async () => {
  await page.selectOption("#source", "own");
  await says("#model", "Paste a text");
  assert.ok(await page.isDisabled("#go"));
  await page.fill("#text", "three words only");
  await page.locator("#text").blur();
  await says("#message", "learning needs at least 129");
  await page.fill("#text", RHYME);
  await page.locator("#text").blur();
  await says("#model", "15 different words");
  await page.click("#go");
  await steps(40);
  await page.click("#go");
  for (const [cell, values] of Object.entries(await numbers())) assert.ok(values[2] > 80, `${cell}: ${values[2]} %`);
});

test("a run that diverges is reported in one line", async () => {
  await page.fill("#rate", "9");
  await page.click("#again");
  await page.waitForSelector("#go:enabled");
  await page.click("#go");
  await says("#message", "training has diverged");
  assert.match(await page.textContent("#message"), /^(RNN|GRU|LSTM): /);
  assert.equal(await page.textContent("#go"), "Start");
});

test("on a phone nothing is wider than the screen", async () => {
  await page.context().close();
  page = await visits.open(PHONE);
  await page.selectOption("#source", "32");
  await says("#back", "31 words back");
  await checkWidth(page);
});

test("no other host is contacted, and nothing goes wrong", () => visits.checkAll());
