// Never run: code as an application writes it, which must pass the type checker (`npm run types`).
import * as ort from "onnxruntime-web";

import { Generator, Keyboard, NextwordError, UnknownWordError, type Evaluation, type Session, type Suggestion } from "nextword";
import { Trainer } from "nextword/learning";

const generator = await Generator.load(new Uint8Array(), { ort });
const text: string = await generator.generate("long ago ,", 32, { temperature: 0.8, topK: 5, seed: 7 });
const suggestions: Suggestion[] = await generator.suggest(text, 3);
for await (const piece of generator.stream(text)) console.log(piece, suggestions[0].word);
const perplexity: number = (await generator.score(text)).perplexity;
const { top3Accuracy, keystrokesSaved }: Evaluation = await generator.evaluate(text, { cacheSize: 100, cacheWeight: 0.1 });
const context: number | null = generator.info.context;
export const neighbours = (error: UnknownWordError): string[] => error.neighbours;
// @ts-expect-error: a mistyped setting
await generator.generate("long ago ,", 32, { topk: context ?? perplexity + top3Accuracy * keystrokesSaved });
// @ts-expect-error: a generator is created by Generator.load
new Generator();
await generator.generate("long ago ,", 32, { stop: undefined, banned: "the" }, { signal: AbortSignal.timeout(1000) });
const session: Session = generator.session({ cacheSize: 100, cacheWeight: 0.1 });
await session.feed(await session.undo());
await (await generator.resume(await session.save())).suggest(3, "mo");
export const isOfPrompt = (error: unknown): boolean => error instanceof NextwordError && error.name === "PromptError";
// @ts-expect-error: a name that no error has
throw new NextwordError("PromtError", "a message");
const keyboard: Keyboard = Keyboard.of([generator], { layout: ["abc", "def"], saved: await generator.keyboard().save() });
await keyboard.update("the mo");
for (const { kind, replace, insert } of await keyboard.suggest(3)) console.log(kind === "as typed", replace + insert.length);
export const corrected: string | undefined = (await keyboard.correction())?.insert;
// @ts-expect-error: a layout that does not exist
generator.keyboard({ layout: "colemak" });
// @ts-expect-error: a keyboard is created by a generator
new Keyboard();
const trainer: Trainer = await Trainer.load("nextword.train.onnx", { ort, model: "nextword.onnx", text, fromNothing: true });
for (let { loss } = await trainer.learn(); loss > 0.1; { loss } = await trainer.learn());
await Generator.load(await trainer.file(), { ort });
// @ts-expect-error: an option that does not exist
await Trainer.load("nextword.train.onnx", { ort, model: "nextword.onnx", text, learningrate: 0.1 });
