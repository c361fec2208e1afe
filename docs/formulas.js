// Sets the formulas of a page, which arithmatex marks as \(…\) and \[…\].
for (const formula of document.querySelectorAll(".arithmatex")) {
  const displayMode = formula.tagName === "DIV";
  katex.render(formula.textContent.trim().slice(2, -2), formula, { displayMode, throwOnError: true });
}
