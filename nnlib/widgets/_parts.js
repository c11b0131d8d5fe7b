import { button, h } from "./_kit.js";

/** The parts that every figure shows, in order: title, purpose, prediction, body, finding. */
export function figureParts(title, purpose, gate, body, finding) {
  return [h("h3", {}, title), h("p", { class: "nn-purpose" }, purpose), gate, body,
    h("details", { class: "nn-finding" }, h("summary", {}, "What did you see?"), h("p", {}, finding))];
}

/** @param {[string, () => void][]} presets names and what they do */
export function presetRow(presets, reset) {
  return h("div", { class: "nn-row nn-presets", role: "group", "aria-label": "Presets" },
    h("span", { class: "nn-legend" }, "Try"),
    ...presets.map(([name, run]) => button(name, run)), button("Reset", reset, { class: "nn-button nn-reset" }));
}

/**
 * A table of numbers that are buttons. One of them is in the tab order; arrows move among them.
 * @param {{heads: string[] | null, rows: [string, string[]][], pick: (key: string) => void,
 *   say: (key: string) => string}} spec rows are a heading and the keys of its numbers;
 *   `say` names a number aloud
 */
export function numberGrid({ heads, rows, pick, say }) {
  const grid = rows.map(([, keys]) => keys.map((key) => h("button", { type: "button", class: "nn-cell",
    "data-key": key, onclick: () => pick(key), onfocus: () => pick(key) })));
  const table = h("table", { class: "nn-table" },
    heads ? h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))) : "",
    h("tbody", {}, ...rows.map(([name], r) => h("tr", {}, h("th", { scope: "row" }, name),
      ...grid[r].map((cell) => h("td", {}, cell))))));
  table.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    let r = grid.findIndex((row) => row.includes(event.target));
    let c = grid[r]?.indexOf(event.target);
    do { r += move[0]; c += move[1]; } while (grid[r]?.[c]?.disabled);
    grid[r]?.[c]?.focus();
  });
  const shown = new Map();
  const sync = (textOf, picked) => {
    const cells = grid.flat();
    const current = cells.find((cell) => cell.dataset.key === picked) ?? cells.find((cell) => textOf(cell.dataset.key));
    for (const cell of cells) {
      const key = cell.dataset.key;
      const text = textOf(key);
      const state = `${text} ${key === picked} ${cell === current}`;
      if (shown.get(cell) === state) continue;
      shown.set(cell, state);
      if (cell.textContent !== (text || "?")) cell.textContent = text || "?";
      cell.disabled = !text;
      cell.tabIndex = cell === current ? 0 : -1;
      cell.setAttribute("aria-pressed", String(key === picked));
      cell.setAttribute("aria-label", `${say(key)}: ${text || "not computed yet"}`);
      cell.classList.toggle("nn-f", /^[ay]/.test(key));
      cell.classList.toggle("nn-b", /^[dsn]\d/.test(key));
    }
  };
  return { table, sync };
}
