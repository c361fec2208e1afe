// Never run: what an application writes has to pass the type checker (`npm run types`).
import * as ort from "onnxruntime-web";

import { Generator, UnknownWordError, type Suggestion } from "nextword";

const generator = await Generator.load(new Uint8Array(), { ort });
const text: string = await generator.generate("long ago ,", 32, { temperature: 0.8, topK: 5, seed: 7 });
const suggestions: Suggestion[] = await generator.suggest(text, 3);
for await (const piece of generator.stream(text)) console.log(piece, suggestions[0].word);
const perplexity: number = (await generator.score(text)).perplexity;
const context: number | null = generator.info.context;
export const neighbours = (error: UnknownWordError): string[] => error.neighbours;
// @ts-expect-error: a mistyped knob
await generator.generate("long ago ,", 32, { topk: context ?? perplexity });
