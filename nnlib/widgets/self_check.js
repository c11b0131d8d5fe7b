import { button, freshId, h, memory, openView } from "./_kit.js";

/** @returns {{right: number, answered: number}} the score of the choices taken, −1 for none */
export function score(questions, chosen) {
  const answered = chosen.filter((choice) => choice >= 0).length;
  const right = questions.filter((q, i) => chosen[i] === q.answer).length;
  return { right, answered };
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "self-check", label: "Self-check" });
  const questions = model.get("questions");
  const id = `self-check:${model.get("key")}`;
  // Kept with the texts, so that an edited question is asked anew.
  const stamp = JSON.stringify(questions.map((q) => [q.text, q.choices]));
  const none = questions.map(() => -1);

  const save = (chosen) => {
    memory.set(id, chosen.some((choice) => choice >= 0) ? JSON.stringify([stamp, chosen]) : "");
    view.save({ chosen });
  };
  const recall = () => {
    try {
      const [kept, chosen] = JSON.parse(memory.get(id));
      return kept === stamp ? chosen : none;
    } catch { return none; }
  };

  const items = questions.map((q, i) => questionItem(q, i, (choice) => {
    const chosen = [...model.get("chosen")];
    chosen[i] = choice;
    save(chosen);
    view.announce(`${choice === q.answer ? "Right." : "Not this one."} ${q.because}`);
  }));
  const line = h("p", { class: "nn-score", role: "status" });
  const again = button("Try again", () => {
    save(none);
    items[0]?.root.querySelector("button")?.focus();
  });
  view.root.append(h("ol", { class: "nn-questions" }, ...items.map((item) => item.root)),
    h("div", { class: "nn-foot" }, line, again));

  view.onDraw(() => {
    const chosen = model.get("chosen");
    items.forEach((item, i) => item.sync(chosen[i] ?? -1));
    const { right, answered } = score(questions, chosen);
    line.textContent = answered === 0 ? `${questions.length} questions. Nothing is recorded or graded.`
      : `${right} right of ${answered} answered, ${questions.length} in all.`;
    again.disabled = answered === 0;
  });
  view.follow(["chosen"]);
  if (model.get("chosen").every((choice) => choice < 0)) view.save({ chosen: recall() });
  view.drawNow();
  return () => view.close();
}

function questionItem(q, i, choose) {
  const id = freshId();
  // Buttons, not radio buttons: there an arrow key would already commit to the next answer.
  const rows = q.choices.map((text, c) => h("button",
    { type: "button", class: "nn-choice", onclick: () => choose(c) },
    h("span", { class: "nn-letter" }, String.fromCharCode(65 + c)),
    h("span", {}, text), h("span", { class: "nn-mark" })));
  const because = h("p", { class: "nn-because" });
  const root = h("li", { class: "nn-item", role: "group", "aria-labelledby": id },
    h("p", { class: "nn-ask", id }, h("span", { class: "nn-count" }, `${i + 1}`), q.text),
    ...rows, because);
  const sync = (choice) => {
    rows.forEach((row, c) => {
      const state = c !== choice ? "" : c === q.answer ? "right" : "wrong";
      row.dataset.state = state;
      row.setAttribute("aria-pressed", String(c === choice));
      row.querySelector(".nn-mark").textContent =
        { right: "✓ right", wrong: "✗ not this one", "": "" }[state];
    });
    because.textContent = choice < 0 ? "" : q.because;
  };
  return { root, sync };
}

export default { render };
