// The page's scripts run only in browsers. What can be checked without one is checked here.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PAGE = fileURLToPath(new URL("../../playground/", import.meta.url));
const COMPILER = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
// The page has no types, so only unknown names count among the compiler's errors.
const OPTIONS = ["--allowJs", "--checkJs", "--listFiles", "--noEmit", "--noResolve", "--skipLibCheck"];
const PLATFORM = ["--target", "es2022", "--module", "esnext", "--lib", "es2023,dom,dom.iterable"];
const UNKNOWN_NAME = /error TS(2304|2552|18004):/; // plain, with a suggestion, in `{ name }`

test("the page's scripts use no undefined names", () => {
  const scripts = readdirSync(PAGE).filter((name) => name.endsWith(".js"));
  const { stdout } = spawnSync(process.execPath, [COMPILER, ...OPTIONS, ...PLATFORM, ...scripts], {
    cwd: PAGE,
    encoding: "utf8",
  });
  const lines = stdout.split("\n");
  assert.deepEqual(scripts.filter((name) => !lines.includes(name)), []); // each was read
  assert.deepEqual(lines.filter((line) => UNKNOWN_NAME.test(line)), []);
});
