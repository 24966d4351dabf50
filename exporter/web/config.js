// What is to be said of the configuration file: loudly that it is refused, quietly the rest.

import { element, setText } from "./nodes.js";
import { clock, plural } from "./words.js";

const byId = (id) => document.getElementById(id);

export function showConfig({ accepted, refused, warnings, need_restart: later }) {
  byId("config").hidden = refused === null;
  if (refused !== null) {
    const [now, then] = [clock(Date.parse(refused.at)), clock(Date.parse(accepted))];
    setText(byId("config-what"), `The configuration file is refused since ${now}. neverdark runs with the one of ${then}.`);
    const list = byId("config-problems");
    if (list.children.length !== refused.problems.length) list.replaceChildren(...refused.problems.map(() => element("li")));
    refused.problems.forEach((problem, place) => setText(list.children[place], problem));
  }
  const notes = [];
  if (warnings > 0) notes.push(`${plural(warnings, "warning")} about the configuration: neverdark check tells.`);
  if (later.length > 0) notes.push(`Takes effect only when neverdark is started anew: ${later.join(", ")}.`);
  setText(byId("config-note"), notes.join(" "));
}
