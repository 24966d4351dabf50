// Which of its sources viewers see, by order and for how long.

import { element, orderButton, setText } from "./nodes.js";
import { clock } from "./words.js";

const FOR = [
  ["", "until another order"],
  ["1m", "for 1 minute"],
  ["10m", "for 10 minutes"],
  ["1h", "for 1 hour"],
  ["8h", "for 8 hours"],
];

export class SwitchView {
  // `order` hands over what an order says, and tells what came of it.
  constructor(order) {
    this.node = element("div", "switch");
    this.ordered = element("p", "ordered");
    this.source = select("Source that viewers are to see");
    this.lasting = select("How long");
    fill(this.lasting, FOR);
    const result = element("span", "said");
    result.setAttribute("role", "status");
    this.form = { node: this.node, say: (text) => (result.textContent = text) };
    const give = async (body) => {
      result.textContent = "…";
      result.textContent = await order(this.form, body);
    };
    const chosen = () => ({ to: this.source.value, ...(this.lasting.value ? { lasting: this.lasting.value } : {}) });
    this.end = orderButton("end", "End the order", () => give({ to: "auto" }), false);
    const button = orderButton("show", "Switch", () => give(chosen()));
    const line = element("div", "line");
    line.append(element("span", "", "Viewers are to see"), this.source, this.lasting, button, this.end);
    this.node.append(this.ordered, line, result);
  }

  update({ wanted, sources, ordered_source: ordered }) {
    this.node.hidden = !wanted || sources.length < 2;
    if (this.node.hidden) return;
    const choice = sources.map(({ name, slate }) => [name, slate ? `${name} (a slate)` : name]);
    if (fill(this.source, choice)) this.source.value = sources.find(({ active }) => !active)?.name ?? sources[0].name;
    setText(this.ordered, ordered ? orderInWords(ordered) : "");
    this.end.hidden = !ordered;
  }
}

function orderInWords({ source, until, why }) {
  const end = until ? `until ${clock(Date.parse(until))}` : "until another order";
  return `Viewers are to see ${source} by an operator's order, ${end}${why === "operator" ? "" : `: ${why}`}`;
}

function select(label) {
  const node = element("select");
  node.setAttribute("aria-label", label);
  return node;
}

// The same choice again is not touched: somebody may be choosing. Returns whether it is another one.
function fill(node, choice) {
  const known = JSON.stringify(choice);
  if (node.dataset.choice === known) return false;
  node.dataset.choice = known;
  node.replaceChildren(
    ...choice.map(([value, text]) => {
      const option = element("option", "", text);
      option.value = value;
      return option;
    }),
  );
  return true;
}
