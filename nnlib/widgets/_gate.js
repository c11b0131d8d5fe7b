import { button, freshId, h, memory, onEnter, parseNumber } from "./_kit.js";

/** What the trait "prediction" holds after "Show without predicting". */
export const SHOWN = "shown without predicting";

/**
 * Ask for a prediction and keep it. The question unlocks what follows: `unlock(true)` is called
 * once an answer is there, `unlock(false)` while none is.
 *
 * @param {ReturnType<typeof openView>} view
 * @param {Model} model
 * @param {{id: string, question: string, choices?: string[], unit?: string,
 *   judge: (answer: string) => {agrees: boolean, text: string}, truth: () => string,
 *   unlock: (open: boolean) => void}} spec
 *   `judge` compares an answer with what the figure computes; `truth` says it without one.
 * @returns {HTMLElement} the panel
 */
export function predictionGate(view, model, spec) {
  const panel = h("div", { class: "nn-gate" });
  const valid = (text) => text === SHOWN ||
    (spec.choices ? spec.choices.includes(text) : text !== "" && Number.isFinite(parseNumber(text)));

  const commit = (text) => {
    memory.set(spec.id, text);
    view.save({ prediction: text });
    // The pressed button is gone now; focus must not fall back to the top of the page.
    panel.querySelector(".nn-verdict")?.focus({ preventScroll: true });
    view.announce(panel.querySelector(".nn-verdict")?.textContent ?? "");
  };

  const show = () => {
    const answer = model.get("prediction");
    const open = valid(answer);
    panel.replaceChildren(...(open ? verdict(spec, answer, () => {
      commit("");
      panel.querySelector("button, input")?.focus({ preventScroll: true });
    }) : ask(spec, commit)));
    spec.unlock(open);
    view.root.classList.toggle("nn-open", open);
    view.redraw();
  };

  if (!valid(model.get("prediction"))) {
    const kept = memory.get(spec.id);
    if (valid(kept)) view.save({ prediction: kept });
  }
  view.follow(["prediction"], show);
  show();
  return panel;
}

function ask(spec, commit) {
  const questionId = freshId();
  const skip = button("Show without predicting", () => commit(SHOWN), { class: "nn-quiet" });
  const question = h("p", { class: "nn-question", id: questionId },
    h("span", { class: "nn-tag" }, "Predict"), spec.question);
  if (spec.choices) {
    const choices = spec.choices.map((text) => button(text, () => commit(text)));
    return [question, h("div",
      { class: "nn-choices", role: "group", "aria-labelledby": questionId }, ...choices, skip)];
  }
  const id = freshId();
  const note = h("span", { class: "nn-note", role: "status" });
  const input = h("input", { type: "text", inputmode: "decimal", id, class: "nn-number",
    autocomplete: "off", "aria-describedby": questionId });
  const send = () => {
    if (Number.isFinite(parseNumber(input.value))) commit(input.value.trim());
    else { note.textContent = "Please enter a number, for example 0.25 or 1/4."; input.focus(); }
  };
  input.addEventListener("keydown", onEnter(send));
  return [question, h("div", { class: "nn-choices" },
    h("label", { for: id }, "Your number"), input, spec.unit ? h("span", {}, spec.unit) : "",
    button("Commit", send), skip, note)];
}

function verdict(spec, answer, again) {
  const shown = answer === SHOWN;
  const { agrees, text } = shown ? { agrees: false, text: spec.truth() } : spec.judge(answer);
  const mark = shown ? "Shown" : agrees ? "✓ Agrees" : "≠ Differs";
  const kind = shown ? "shown" : agrees ? "agrees" : "differs";
  const said = shown ? "" : `You said: ${answer}${spec.unit ? ` ${spec.unit}` : ""}. `;
  return [h("p", { class: "nn-question nn-past" }, spec.question),
    h("p", { class: `nn-verdict nn-${kind}`, tabindex: "-1" },
      h("span", { class: "nn-tag" }, mark), h("b", {}, said), text),
    button("Ask me again", again, { class: "nn-quiet" })];
}
