// What is wrong with a stream now and what was tried, and what was wrong before.

import { ask, inWords, streamPath } from "./ask.js";
import { standing } from "./doubts.js";
import { element, keepViews, setClass, setText } from "./nodes.js";
import { PictureView } from "./picture.js";
import { actionInWords, causeInWords, clock, closesAfter, dayAndClock, duration, plural, resultInWords, segmentInWords } from "./words.js";

const EXCUSES = { drill: "Drill. ", maintenance: "In maintenance. " };
const RECENT = 5;
const COUNTED = 200;
const DAY = 86400000; // ms

// "the encoder 4 times (did not help), everything (no result yet)": neighbours that are alike are told once.
function tried(actions) {
  const steps = [];
  for (const { layer, action, result } of actions) {
    const who = layer === "watchdog" || layer === "operator" ? `, by the ${layer}` : "";
    const text = [actionInWords(action), `(${resultInWords(result)}${who})`];
    const last = steps.at(-1);
    if (last && last.text.join() === text.join()) last.count += 1;
    else steps.push({ text, count: 1 });
  }
  return steps.map(({ text: [what, how], count }) => `${what}${count > 1 ? ` ${count} times` : ""} ${how}`).join(", ");
}

// "Uplink, to backup: …"; where the cause names the place itself (source_refused), once is enough.
function about({ segment, cause, said, destination, subject, findings }) {
  const several = !destination && subject?.role === "pusher" ? findings.map((one) => one.destination) : [];
  const names = destination ? [destination] : [...new Set(several)];
  const to = names.length > 0 ? `, to ${names.join(" and ")}` : "";
  const words = causeInWords(cause, said);
  if (!said && cause.startsWith(`${segment}_`) && !to) return `${words[0].toUpperCase()}${words.slice(1)}.`;
  return `${segmentInWords(segment)}${to}: ${words}.`;
}

// What else was found, in words, without what the incident is named after.
function also({ findings, cause, segment, destination }) {
  const named = findings.findIndex((one) => one.cause === cause && one.segment === segment && (!destination || one.destination === destination));
  return findings.filter((_, place) => place !== named).map((one) => `${clock(Date.parse(one.at))} ${about(one)}${one.times > 1 ? ` ${one.times} times.` : ""}`);
}

// How dark it is because of an incident, without a word against what the headline says of the stream.
function darkness({ cause, destination, seconds_dark: seconds }, { on_air: onAir, destinations }) {
  if (seconds < 1) return "";
  if (!onAir) return `, dark for ${duration(seconds)}`;
  const there = destinations.find(({ name }) => name === destination);
  if (there && !there.on_air) return `; ${destination}${standing(there) ? `, which is ${there.role ? `the ${there.role}` : "optional"},` : ""} is dark, the stream is on air`;
  return `; it was dark for ${duration(seconds)} and is on air again: closed after ${duration(closesAfter(cause))} of steady progress`;
}

// What a platform says is mended there, if at all: no process of ours is at fault.
function nothingTried({ segment, subject }) {
  return segment === "platform" && subject.role === null ? "Our own processes are left alone." : "Nothing was restarted yet.";
}

// An incident that goes on.
export class OpenIncidentView {
  constructor() {
    this.node = element("div", "incident");
    this.what = element("p");
    this.when = element("p", "when");
    this.actions = element("p", "tried");
    this.node.append(this.what, this.when, this.actions);
  }

  update(incident, at, stream) {
    const opened = Date.parse(incident.opened);
    setClass(this.node, `incident ${incident.excused ? "drill" : ""}`);
    setText(this.what, `${EXCUSES[incident.excused] ?? ""}${about(incident)}`);
    setText(this.when, `Since ${clock(opened)}, ${duration((at - opened) / 1000)} ago${darkness(incident, stream)}.`);
    setText(this.actions, incident.actions.length > 0 ? `Restarted: ${tried(incident.actions)}.` : nothingTried(incident));
  }
}

class PastIncidentView {
  constructor() {
    this.node = element("li");
    this.when = element("span", "when");
    this.drill = element("span", "pill drill", "drill");
    this.what = element("span");
    this.outcome = element("small");
    this.also = element("ul");
    this.picture = null;
    this.node.append(this.when, " ", this.drill, " ", this.what, this.outcome, this.also);
  }

  update(incident) {
    setText(this.when, dayAndClock(Date.parse(incident.opened)));
    setText(this.what, about(incident));
    this.drill.hidden = !incident.excused;
    setText(this.drill, incident.excused ?? "");
    const dark = incident.seconds_dark < 0.1 ? "never dark" : `dark for ${seconds(incident.seconds_dark)}`;
    const facts = [incident.closed === null ? "goes on" : dark];
    if (incident.detection_seconds !== null) facts.push(`noticed in ${seconds(incident.detection_seconds)}`);
    if (incident.recovery_seconds !== null) facts.push(`recovered in ${seconds(incident.recovery_seconds)}`);
    if (incident.actions.length > 0) facts.push(`restarted ${tried(incident.actions)}`);
    setText(this.outcome, facts.join(" · "));
    if (incident.thumbnail && this.picture === null) {
      this.picture = new PictureView(`api/incidents/${encodeURIComponent(incident.id)}/thumbnail`, "What was seen then", true);
      this.node.append(this.picture.node);
    }
    const found = also(incident);
    if (found.length !== this.also.children.length) this.also.replaceChildren(...found.map(() => element("li")));
    found.forEach((text, place) => setText(this.also.children[place], text));
  }
}

function seconds(value) {
  if (value >= 10) return duration(value);
  return value < 0.1 ? `${Math.max(1, Math.round(value * 1000))} ms` : `${value.toFixed(1)} s`;
}

// The last incidents of a stream; asked for only while somebody looks at them.
export class RecentIncidentsView {
  constructor(stream) {
    this.node = element("details", "log recent");
    this.note = element("p", "note", "…");
    this.sum = element("p", "note");
    this.list = element("ol");
    this.node.append(element("summary", "", "Last incidents"), this.note, this.sum, this.list);
    this.path = `${streamPath(stream)}/incidents?limit=${COUNTED}`;
    this.views = new Map();
    this.asking = false;
    this.node.addEventListener("toggle", () => this.update());
  }

  async update(stream) {
    this.stream = stream ?? this.stream;
    if (!this.node.open || this.asking) return;
    this.asking = true;
    try {
      this.show((await ask(this.path)).incidents);
    } catch (error) {
      setText(this.note, inWords(error));
    }
    this.asking = false;
  }

  show(incidents) {
    setText(this.note, incidents.length === 0 ? "None since neverdark keeps records." : "");
    setText(this.sum, this.lastDay(incidents));
    const shown = incidents.slice(0, RECENT);
    keepViews(this.list, this.views, shown, ({ id }) => id, () => new PastIncidentView());
    for (const incident of shown) this.views.get(incident.id).update(incident);
  }
  // What the stream as a whole was dark for: an optional destination does not count, what is excused neither.
  lastDay(incidents) {
    const optional = this.stream.destinations.filter(({ required }) => !required).map(({ name }) => name);
    const counts = ({ excused, destination, opened }) => !excused && !optional.includes(destination) && Date.now() - Date.parse(opened) < DAY;
    const counted = incidents.filter(counts);
    if (counted.length === 0) return "";
    const dark = counted.reduce((sum, { seconds_dark: one }) => sum + one, 0);
    return `In the last 24 h: ${plural(counted.length, "incident")}, ${dark < 0.1 ? "never dark" : `dark for ${seconds(dark)}`}.`;
  }
}
