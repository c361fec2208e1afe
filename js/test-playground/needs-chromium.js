// Says in one line what the tests of the pages lack, before each of them fails.
import { chromiumPath } from "./browser.js";

try {
  chromiumPath();
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
