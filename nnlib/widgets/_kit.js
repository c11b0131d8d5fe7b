/**
 * What all figures share: building elements, formatting numbers, sliders and buttons that
 * JupyterLab leaves the keyboard to, live text, and the life of a view.
 * It is written into each figure's module when that is served.
 */

/** @typedef {{get(n: string): any, set(n: string, v: any): void, save_changes(): void,
 *   on(e: string, f: () => void): void, off(e: string, f: () => void): void}} Model */

const SVG_SPACE = "http://www.w3.org/2000/svg";
const FOCUSABLE = new Set(["button", "input", "select", "summary"]);
let viewCount = 0;

/** @returns {string} an id that no other view on the page has */
export function freshId() {
  viewCount += 1;
  return `nn-${viewCount}-${Math.floor(performance.now())}`;
}

/**
 * Build an HTML element. Text goes in as text, never as markup. Keys starting with "on" are
 * listeners, "value", "checked" and "disabled" are properties, all else are attributes.
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  // JupyterLab takes the arrow keys of anything focused unless the element itself says this.
  if (FOCUSABLE.has(tag) || "tabindex" in props) node.dataset.lmSuppressShortcuts = "true";
  assign(node, props);
  node.append(...children);
  return node;
}

/** Build an SVG element; text is text. */
export function s(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG_SPACE, tag);
  assign(node, props);
  node.append(...children);
  return node;
}

/** Set a text, and leave the page alone where it is there already. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const painted = new WeakMap();

/**
 * Draw a list of shapes in an SVG element or group. Elements stay; only what differs from the last
 * picture is written.
 * @param {SVGElement} svg
 * @param {[number, number] | null} size width and height of the viewBox
 * @param {[string, Record<string, any>, string?][]} shapes tag, attributes and text of each
 */
export function paint(svg, size, shapes) {
  const old = painted.get(svg) ?? [];
  const box = size && `0 0 ${size.join(" ")}`;
  if (box && svg.getAttribute("viewBox") !== box) svg.setAttribute("viewBox", box);
  shapes.forEach(([tag, props, text = ""], i) => {
    const node = svg.children[i];
    if (old[i]?.[0] !== tag) {
      const fresh = s(tag, props, text);
      if (node) node.replaceWith(fresh); else svg.append(fresh);
      return;
    }
    const [, was, wrote = ""] = old[i];
    for (const key of Object.keys({ ...was, ...props })) {
      if (props[key] === was[key]) continue;
      if (props[key] === undefined || props[key] === null) node.removeAttribute(key);
      else node.setAttribute(key, String(props[key]));
    }
    if (text !== wrote) node.textContent = text;
  });
  while (svg.childElementCount > shapes.length) svg.lastElementChild.remove();
  painted.set(svg, shapes);
}

function assign(node, props) {
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "disabled") node[key] = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
}

/** @returns {string} v with d decimals, a real minus sign, and no minus before a zero */
export function fixed(v, d = 4) {
  if (!Number.isFinite(v)) return "not finite";
  const text = Math.abs(v).toFixed(d);
  return v < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** @returns {string} v with at most d decimals, trailing zeros dropped: 0.35, −2, 1.5 */
export function short(v, d = 4) {
  const text = fixed(v, d);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** @returns {string} v as 2.3·10⁻⁷ */
export function scientific(v, d = 1) {
  if (v === 0) return "0";
  if (!Number.isFinite(v)) return "not finite";
  const [mantissa, exponent] = Math.abs(v).toExponential(d).split("e");
  return `${v < 0 ? "−" : ""}${mantissa}·10${superscript(Number(exponent))}`;
}

/** @returns {string} an integer in raised digits */
export function superscript(n) {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return (n < 0 ? "⁻" : "") + [...String(Math.abs(n))].map((c) => digits[Number(c)]).join("");
}

/** @returns {number} what was typed, comma or point, − or -, ½ or 1/2; NaN if it is no number */
export function parseNumber(text) {
  const plain = text.trim().replace(",", ".").replace(/[−–]/g, "-").replace("½", "1/2");
  const parts = plain.split("/").map((part) => (part.trim() === "" ? NaN : Number(part)));
  return parts.length === 2 ? parts[0] / parts[1] : parts.length === 1 ? parts[0] : NaN;
}

export function button(label, onclick, props = {}) {
  return h("button", { type: "button", class: "nn-button", onclick, ...props }, label);
}

/**
 * Run on Enter in a text input. The key goes no further: the focus may have moved to a button by
 * then, and the same key would press it.
 */
export function onEnter(run) {
  return (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    run();
  };
}

/**
 * A labelled range input with its value beside it.
 * @param {{label: string, min: number, max: number, step: number, read: () => number,
 *   write: (v: number) => void, show?: (v: number) => string, say?: (v: number) => string}} spec
 * @returns {{row: HTMLElement, input: HTMLInputElement, sync: () => void}}
 */
export function slider({ label, min, max, step, read, write, show = short, say = show }) {
  const id = freshId();
  const output = h("output", { for: id, class: "nn-value" });
  const input = h("input", {
    type: "range", id, min, max, step, oninput: () => write(Number(input.value)),
  });
  const sync = () => {
    const value = read();
    // Writing the property while the learner drags would fight the browser's own rounding.
    if (Math.abs(Number(input.value) - value) > step / 2) input.value = String(value);
    setText(output, show(value));
    const text = say(value);
    if (input.getAttribute("aria-valuetext") !== text) input.setAttribute("aria-valuetext", text);
  };
  return { row: h("div", { class: "nn-slider" }, h("label", { for: id }, label), input, output),
    input, sync };
}

/**
 * A labelled group of radio buttons that looks like one bar.
 * @param {{label: string, options: [string, string][], read: () => string,
 *   write: (v: string) => void}} spec pairs of value and text
 */
export function segmented({ label, options, read, write }) {
  const name = freshId();
  const inputs = options.map(([value]) => h("input", {
    type: "radio", name, id: `${name}-${value}`, value, onchange: () => write(value),
  }));
  const row = h("div", { class: "nn-segmented", role: "radiogroup", "aria-label": label },
    h("span", { class: "nn-legend" }, label),
    h("span", { class: "nn-segments" },
      ...options.flatMap(([value, text], i) =>
        [inputs[i], h("label", { for: `${name}-${value}` }, text)])));
  const sync = () => { for (const input of inputs) input.checked = input.value === read(); };
  return { row, sync };
}

/**
 * Open a view: the root element, a redraw that counts itself in data-n, polite live text, and a
 * clean-up that undoes all of it.
 * @param {{model: Model, el: HTMLElement, name: string, label: string}} spec
 */
export function openView({ model, el, name, label }) {
  const live = h("p", { class: "nn-hidden", "aria-live": "polite" });
  const gone = h("p", { class: "nn-gone", role: "status" },
    "The kernel has stopped. The figure still works, but Python no longer follows it: " +
    "run this cell again to reconnect.");
  const root = h("section",
    { class: `nn-figure nn-${name}`, "aria-label": label, "data-n": "0" }, gone, live);
  const undo = [];
  undo.push(whenKernelStops(model, () => root.classList.add("nn-alone")));
  let draw = () => {};
  let drawn = 0;
  let frame = 0; // waits for the end of a frame in which the view has drawn
  let late = false; // and whether something has changed since
  let batch = null; // while save sets several traits: what has to run once they all are set
  let sending = 0;
  let said = 0;
  let timer = 0;

  const send = () => {
    clearTimeout(sending);
    if (sending) try { model.save_changes(); } catch { /* no kernel: the view goes on alone */ }
    sending = 0;
  };
  const view = {
    root,
    /** @param {() => void} run draws everything from the state */
    onDraw(run) { draw = run; },
    drawNow() {
      late = false;
      draw();
      drawn += 1;
      root.dataset.n = String(drawn);
      frame ||= requestAnimationFrame(() => { frame = 0; if (late) view.drawNow(); });
    },
    /** Draw at once, so that the next frame shows it; only the rest of a drag waits for a frame. */
    redraw() { if (frame) late = true; else view.drawNow(); },
    /** Redraw whenever one of these traits changes, from here, Python or another view. */
    follow(names, run = view.redraw) {
      const heard = () => { if (batch) batch.add(run); else run(); };
      for (const trait of names) {
        model.on(`change:${trait}`, heard);
        undo.push(() => model.off(`change:${trait}`, heard));
      }
    },
    /** @param {Record<string, any>} values traits to set together; Python hears after the picture */
    save(values) {
      const runs = new Set();
      batch = runs;
      for (const [trait, value] of Object.entries(values)) model.set(trait, value);
      batch = null;
      for (const run of runs) run();
      sending ||= setTimeout(send, 25);
    },
    /** Say something to a screen reader, at most once per second; the last message wins. */
    announce(text) {
      clearTimeout(timer);
      const wait = Math.max(0, said + 1000 - performance.now());
      timer = setTimeout(() => { live.textContent = text; said = performance.now(); }, wait);
    },
    /** Call run(room) now and whenever it changes: the width on a narrow page, 0 on a wide one. */
    onWidth(run) {
      let last;
      const look = (width) => {
        const room = width > 0 && width < 540 ? Math.floor(width) : 0;
        root.classList.toggle("nn-narrow", room > 0);
        root.classList.toggle("nn-stacked", width > 0 && width < 800);
        if (room !== last) { last = room; run(room); }
      };
      const observer = new ResizeObserver(([entry]) => look(entry.contentRect.width));
      observer.observe(root); // answers before the first frame
      undo.push(() => observer.disconnect());
      look(0);
    },
    close() {
      send();
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      for (const run of undo.splice(0)) run();
      root.remove();
    },
  };
  el.append(root);
  return view;
}

/** Call run once JupyterLab's kernel stops or restarts; returns how to stop listening. */
function whenKernelStops(model, run) {
  const kernel = model.widget_manager?.kernel; // no such thing on a page without a kernel
  const look = (_, status) => {
    if (["restarting", "autorestarting", "terminating", "dead"].includes(status)) run();
  };
  kernel?.statusChanged?.connect(look);
  kernel?.disposed?.connect(run);
  return () => {
    kernel?.statusChanged?.disconnect(look);
    kernel?.disposed?.disconnect(run);
  };
}

/** What the browser keeps between visits. Some pages forbid it; then nothing is kept. */
export const memory = {
  get(key) { try { return localStorage.getItem(`nnlib:${key}`) ?? ""; } catch { return ""; } },
  set(key, text) {
    try {
      if (text) localStorage.setItem(`nnlib:${key}`, text);
      else localStorage.removeItem(`nnlib:${key}`);
    } catch { /* not kept */ }
  },
};

/** @returns {string} the digits lowered: x₁, w₁₃ */
export function subscript(text) {
  return [...text].map((c) => (c >= "0" && c <= "9" ? String.fromCharCode(0x2080 + Number(c)) : c)).join("");
}
