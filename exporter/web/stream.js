// One stream as a card.

import { ask, inWords, streamPath } from "./ask.js";
import { doubtsInWords, isDegraded, lastThere, nameOf } from "./doubts.js";
import { OpenIncidentView, RecentIncidentsView } from "./incidents.js";
import { element, keepViews, orderButton, setClass, setText } from "./nodes.js";
import { PictureView } from "./picture.js";
import { SwitchView } from "./switch.js";
import { bitRate, causeInWords, clock, counted, duration, fallbackSeen, size, sourcesInWords } from "./words.js";

const SAMPLES = 6; // rates are taken over the last five answers, about ten seconds

function setFacts(list, facts) {
  const known = facts.filter(([, value]) => value !== null);
  const labels = known.map(([label]) => label).join("|");
  if (list.dataset.labels !== labels) {
    list.dataset.labels = labels;
    list.replaceChildren(
      ...known.map(([label]) => {
        const pair = element("div");
        pair.append(element("dt", "", label), element("dd"));
        return pair;
      }),
    );
  }
  known.forEach(([, value], index) => setText(list.children[index].lastChild, value));
}

class ProcessView {
  constructor(stream, process) {
    this.node = element("section", "process");
    const title = element("h3", "", titleOf(process));
    this.state = element("span");
    title.append(" ", this.state);
    this.note = element("p", "note");
    this.facts = element("dl");
    this.failure = element("div", "failure");
    this.failureText = element("p");
    this.failureLog = element("pre");
    this.failure.append(this.failureText, this.failureLog);
    this.node.append(title, this.note, this.facts, this.failure, logView(stream, process));
    this.samples = [];
  }

  update(process, at) {
    setText(this.state, process.state);
    setClass(this.state, `pill ${process.state}`);
    this.sample(process, at);
    setText(this.note, waiting(process, at));
    setFacts(this.facts, this.factsOf(process, at));
    this.updateFailure(process.last_failure, at);
  }

  sample(process, at) {
    if (!process.progress) return;
    const last = this.samples.at(-1);
    if (last && at <= last.at) return;
    this.samples.push({ at, run: process.run_id, ...process.progress });
    this.samples = this.samples.filter((sample) => sample.run === process.run_id).slice(-SAMPLES);
  }

  // Units per second of one total over the last samples; null while fewer than two are known.
  rate(key) {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (!first || last.at <= first.at) return null;
    return ((last[key] - first[key]) * 1000) / (last.at - first.at);
  }

  factsOf(process, at) {
    const alive = process.pid !== null;
    // A sum that never began is not told by this process (an encoder for several destinations tells no bytes).
    const frames = alive && process.progress?.frames ? this.rate("frames") : null;
    const bytes = alive && process.progress?.bytes ? this.rate("bytes") : null;
    const speed = process.progress?.speed ?? null;
    const dropped = process.progress?.dropped_frames;
    return [
      ["running for", alive && process.started ? duration((at - Date.parse(process.started)) / 1000) : null],
      ["pid", alive ? String(process.pid) : null],
      ["speed", alive && speed !== null ? `${speed.toFixed(2)} ×` : null],
      ["frames", frames === null ? null : `${frames.toFixed(1)} /s`],
      ["bit rate", bytes === null ? null : bitRate(bytes)],
      ["frames dropped", dropped ? String(dropped) : null],
      ...uplinkFacts(process.uplink, at),
      ["lost before the pusher", process.dropped_datagrams ? `${process.dropped_datagrams} datagrams` : null],
      ["restarts", counted(process.restarts)],
    ];
  }

  updateFailure(failure, at) {
    this.failure.hidden = failure === null;
    if (failure === null) return;
    const when = Date.parse(failure.at);
    const ago = duration((at - when) / 1000);
    setText(this.failureText, `Last trouble ${ago} ago (${clock(when)}): ${causeInWords(failure.cause, failure.said)}.`);
    setText(this.failureLog, failure.log.join("\n"));
    this.failureLog.hidden = failure.log.length === 0;
  }
}

function uplinkFacts(uplink, at) {
  if (uplink === null) return [];
  const { connected, connected_since, rtt_seconds, unsent_bytes } = uplink;
  return [
    ["connected for", connected ? since(connected_since, at) : "not connected"],
    ["round trip", connected && rtt_seconds !== null ? `${Math.round(rtt_seconds * 1000)} ms` : null],
    ["waiting to be sent", connected && unsent_bytes !== null ? size(unsent_bytes) : null],
  ];
}

function titleOf(process) {
  if (process.role === "pusher") return `Pusher to ${process.destination}`;
  if (process.role === "command") return "Command";
  return process.name === "encoder" ? "Encoder" : `Encoder of ${process.name}`;
}

function since(time, at) {
  return time === null ? "?" : duration((at - Date.parse(time)) / 1000);
}

function waiting(process, at) {
  if (process.state !== "backoff" && process.state !== "cooldown") return "";
  const tries = process.state === "cooldown" ? "slow retries" : `${process.budget_remaining} quick tries left`;
  if (process.retry_at === null) return `Waits to try again, ${tries}.`;
  return `Next try in ${duration((Date.parse(process.retry_at) - at) / 1000)}, ${tries}.`;
}

function logView(stream, process) {
  const view = element("details", "log");
  const text = element("pre");
  view.append(element("summary", "", "Log"), text);
  view.addEventListener("toggle", async () => {
    if (!view.open) return;
    const query = new URLSearchParams({ name: process.name, lines: "100" });
    try {
      const { lines } = await ask(`${streamPath(stream)}/logs?${query}`);
      setText(text, lines.join("\n") || "(empty)");
    } catch (error) {
      setText(text, inWords(error));
    }
    text.scrollTop = text.scrollHeight;
  });
  return view;
}

// A destination, with the watchdog's word where it is not "healthy".
class PlaceView {
  constructor(place) {
    this.node = element("div", "place");
    this.word = element("span");
    this.url = element("small");
    this.watchdog = element("small");
    this.platform = new PlatformView();
    this.uplink = element("dl");
    this.node.append(this.word, this.url, this.watchdog, this.platform.node, this.uplink);
    this.name = nameOf(place);
    this.place = place.name;
  }

  // A pusher tells of its connection itself; of a command's, only the destination knows.
  update(place, at, stream) {
    const { wanted, command } = stream;
    setClass(this.node, `place ${place.on_air ? "good" : "bad"}`);
    const last = place.on_air || !wanted ? null : lastThere(stream, this.place);
    const since = last ? `dark since ${clock(Date.parse(last))}` : last === null || !wanted ? "off air" : "dark";
    setText(this.word, `${this.name}: ${place.on_air ? "on air" : since}`);
    setText(this.url, place.url);
    const [text, kind] = wanted ? doubts(place) : ["", ""];
    setText(this.watchdog, text);
    setClass(this.watchdog, `doubts ${kind}`);
    this.platform.update(wanted ? place.platform : null, place.watch_url);
    setFacts(this.uplink, command ? uplinkFacts(place.uplink, at) : []);
  }
}

// What the platform says of a destination, where viewers see it, and what mends its login.
class PlatformView {
  constructor() {
    this.node = element("div", "platform");
    this.said = element("small");
    this.watch = element("a");
    this.former = element("small");
    this.mend = element("code");
    this.watch.target = "_blank";
    this.watch.rel = "noopener noreferrer";
    this.node.append(this.said, this.watch, this.former, this.mend);
  }

  update(seen, url) {
    this.node.hidden = seen === null;
    if (seen === null) return;
    const bad = seen.mend || seen.exhausted;
    setText(this.said, `${seen.platform === "youtube" ? "YouTube" : seen.platform} says: ${seen.said}`);
    setClass(this.said, `doubts ${bad ? "unhealthy" : seen.verdict === "healthy" ? "unknown" : seen.verdict}`);
    this.watch.hidden = !/^https:/.test(url ?? "");
    if (!this.watch.hidden && this.watch.href !== url) this.watch.href = url;
    setText(this.watch, url ?? "");
    setText(this.former, url === null ? formerAddress(seen) : "");
    this.mend.hidden = !seen.mend;
    setText(this.mend, seen.mend);
  }
}

// How it was when viewers last had it, where they do not have it now, or nobody knows.
function formerAddress({ former_url: former, ended, as_of: then }) {
  if (former === null) return "";
  if (ended !== null) return `It has no address now: the broadcast at ${former} ended at ${clock(Date.parse(ended))}.`;
  return `Its address now is not known; at ${clock(Date.parse(then))} it was ${former}.`;
}

function doubts({ watchdog, conformance }) {
  if (watchdog === null) return ["", ""];
  if (watchdog.stopped_since) return [`An operator stopped its watchdog at ${clock(Date.parse(watchdog.stopped_since))}`, "unknown"];
  if (!watchdog.running) {
    const before = Object.keys(watchdog.verdicts).length > 0;
    return [before ? "The watchdog does not look at it any more" : "The watchdog has not looked at it yet", "unknown"];
  }
  const { verdict, verdicts, consecutive_unhealthy: inARow } = watchdog;
  const unlike = conformance?.findings.join("; ") ?? "";
  if (verdict === "healthy") return [unlike, unlike && "degraded"];
  const checks = Object.keys(verdicts).filter((check) => verdicts[check] === verdict);
  const times = inARow > 1 ? `, ${inARow} times in a row` : "";
  return [`Watchdog: ${verdict}${checks.length > 0 ? ` (${checks.join(", ")})` : ""}${times}`, verdict];
}

const UNVERIFIED =
  "The command runs. Whether media arrives nobody tells: put {progress} into the command, or name its destinations.";

function airInWords(stream) {
  const { wanted, on_air: onAir, verified } = stream;
  if (!onAir) return wanted ? ["off air", "bad"] : ["stopped", "idle"];
  const seen = fallbackSeen(stream);
  if (seen !== null) return [`on air, viewers see ${seen}`, "unsure"];
  return verified ? ["on air", "good"] : ["runs, unverified", "unsure"];
}

// Until when a stream is stopped, or runs out of its hours, because somebody wants it so.
function wantedInWords({ wanted, reason, desired: { by, until } }) {
  const again = until === null ? "" : clock(Date.parse(until));
  if (wanted) return by === "operator" && again && reason === null ? `on by an operator's order, until ${again}` : "";
  if (by === "schedule") return `off by schedule${again ? `, on again at ${again}` : ""}`;
  return again ? `stopped by an operator, until ${again}` : "";
}

export class StreamView {
  constructor(stream) {
    this.node = element("details", "stream");
    const line = element("summary");
    this.name = element("h2", "", stream.stream);
    this.air = element("span");
    this.since = element("span", "since");
    this.reason = element("p", "reason");
    this.drills = element("span", "pill drill", "drill");
    this.maintenance = element("span", "pill", "maintenance");
    this.open = element("span", "pill trouble", "incident"); // a card that is closed shows this much
    this.health = element("span", "pill unsure");
    line.append(this.name, this.air, this.health, this.open, this.drills, this.maintenance, this.since, this.reason);
    this.picture = new PictureView(`${streamPath(stream.stream)}/thumbnail`, `What ${stream.stream} sends`);
    this.incidents = element("div", "incidents");
    this.sources = element("p", "sources");
    this.choice = new SwitchView((form, body) => this.order(stream.stream, "switch", form, body));
    this.places = element("div", "places");
    this.buttons = orderButtons((verb, form) => this.order(stream.stream, verb, form));
    this.body = element("div", "processes");
    this.recent = new RecentIncidentsView(stream.stream);
    this.node.append(line, this.picture.node, this.incidents, this.sources, this.choice.node, this.places, this.body, this.recent.node, this.buttons.node);
    this.views = { incidents: new Map(), places: new Map(), processes: new Map() };
    this.wasOff = false;
    this.node.addEventListener("toggle", () => this.fill());
  }

  // `incidents`: those of this stream that go on; `order` gives one.
  update(stream, incidents, at, order) {
    this.order = order;
    this.latest = { stream, incidents, at };
    const off = stream.wanted && !stream.on_air;
    const [word, kind] = airInWords(stream);
    const degraded = isDegraded(stream);
    setClass(this.node, `stream ${kind}${degraded ? " doubtful" : ""}`);
    setText(this.air, word);
    setClass(this.air, `air ${kind}`);
    this.health.hidden = !degraded;
    setText(this.health, stream.health);
    setText(this.since, `for ${since(stream.since, at)}`);
    this.since.title = `since ${clock(Date.parse(stream.since))}`;
    const note = stream.note ? `source: ${stream.note}` : "";
    const doubts = stream.on_air && !stream.verified ? UNVERIFIED : doubtsInWords(stream, incidents, at) || note;
    setText(this.reason, wantedInWords(stream) || (stream.reason ?? doubts));
    this.open.hidden = off || degraded || incidents.every(({ excused }) => excused);
    this.drills.hidden = !incidents.some(({ drill }) => drill);
    this.maintenance.hidden = !stream.maintenance;
    const window = stream.maintenance_window;
    setText(this.maintenance, window ? `in maintenance until ${clock(Date.parse(window.until))}` : "maintenance");
    this.maintenance.title = window?.reason ?? "";
    this.picture.node.hidden = !stream.wanted || stream.command;
    this.buttons.update(stream);
    if (off && !this.wasOff) this.node.open = true;
    this.wasOff = off;
    this.fill();
  }

  // A closed card has no body to keep up to date: with 1,000 streams that is what keeps the page quick.
  fill() {
    if (!this.node.open || !this.latest) return;
    const { stream, incidents, at } = this.latest;
    const { views } = this;
    keepViews(this.incidents, views.incidents, incidents, ({ id }) => id, () => new OpenIncidentView());
    for (const incident of incidents) views.incidents.get(incident.id).update(incident, at, stream);
    setText(this.sources, sourcesInWords(stream));
    this.choice.update(stream);
    const placeKey = nameOf;
    keepViews(this.places, views.places, stream.destinations, placeKey, (place) => new PlaceView(place));
    for (const place of stream.destinations) views.places.get(placeKey(place)).update(place, at, stream);
    const processKey = ({ name }) => name;
    const makeProcess = (process) => new ProcessView(stream.stream, process);
    keepViews(this.body, views.processes, stream.processes, processKey, makeProcess);
    for (const process of stream.processes) views.processes.get(processKey(process)).update(process, at);
    this.recent.update(stream);
  }
}

function orderButtons(order) {
  const node = element("div", "orders");
  const result = element("span", "result");
  result.setAttribute("role", "status");
  const form = { node, say: (text) => (result.textContent = text) };
  const buttons = {};
  for (const verb of ["start", "restart", "stop"]) {
    const plain = verb[0].toUpperCase() + verb.slice(1);
    const give = async () => {
      result.textContent = "…";
      result.textContent = await order(verb, form);
    };
    node.append((buttons[verb] = orderButton(verb, plain, give, verb !== "start")));
  }
  node.append(result);
  return {
    node,
    update({ wanted }) {
      buttons.start.hidden = wanted;
      buttons.stop.hidden = !wanted;
      buttons.restart.hidden = !wanted;
    },
  };
}
