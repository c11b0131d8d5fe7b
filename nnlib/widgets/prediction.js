import { freshId, h, memory, openView, parseNumber } from "./_kit.js";
import { predictionGate } from "./_gate.js";

/** @returns {boolean} whether an answer, as typed or chosen, is the right one */
export function agrees(answer, { choices, right, tolerance }) {
  if (choices.length) return answer === choices[right];
  // A hair of slack, so that 0.69 is within 0.01 of 0.68 in binary too.
  return Math.abs(parseNumber(answer) - right) <= tolerance + 1e-12 * Math.max(1, Math.abs(right));
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = openView({ model, el, name: "prediction", label: "Prediction" });
  const choices = model.get("choices");
  const right = model.get("answer");
  const unit = model.get("unit");
  const truth = choices.length ? `${choices[right]}.` : `${right}${unit ? ` ${unit}` : ""}.`;
  view.root.append(predictionGate(view, model, {
    id: `prediction:${model.get("key")}`,
    question: model.get("question"),
    choices: choices.length ? choices : undefined,
    unit,
    judge: (answer) => {
      const agree = agrees(answer, { choices, right, tolerance: model.get("tolerance") });
      return { agrees: agree, text: `${agree ? "" : `Here it is ${truth} `}${model.get("because")}` };
    },
    truth: () => `Here it is ${truth} ${model.get("because")}`,
    unlock: () => {},
  }));
  return () => view.close();
}

export default { render };
