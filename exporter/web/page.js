// Asks every two seconds, shows what it was told, and says so when it is told nothing.

import { ask, hasToken, inWords, Refused, streamPath } from "./ask.js";
import { showConfig } from "./config.js";
import { isDegraded, isTroubled } from "./doubts.js";
import { keepViews, setClass, setText } from "./nodes.js";
import { StreamView } from "./stream.js";
import { askForToken, closeTokenForm } from "./token.js";
import { duration, fallbackSeen, plural } from "./words.js";

const INTERVAL = 2000;
const PATIENCE = 5000; // as long as a question may take
const OPEN_AT_FIRST = 4; // so many streams are shown whole; of more, only those in trouble
const FILTERED = 8; // from so many streams on they can be filtered
const NAMED = 8;

const byId = (id) => document.getElementById(id);
const views = new Map();
let answeredAt = null; // by this browser's clock that never jumps
let trouble = null; // why the last question had no good answer
let locked = false; // nothing is told without the token, as behind a proxy
let wrong = false; // the last token was
let timer = null;
let asking = false;

async function look() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  const tried = hasToken();
  try {
    const [answer, { incidents }] = await Promise.all([ask("api/streams"), ask("api/incidents?open=true&limit=1000")]);
    trouble = null;
    answeredAt = performance.now();
    show(answer, incidents);
  } catch (error) {
    locked = error instanceof Refused && error.status === 401;
    wrong = locked && (wrong || tried);
    trouble = locked ? (wrong ? "the token is wrong" : "this page needs the token") : inWords(error);
    if (locked) askForToken(byId("headline"), "Token, to see and control the streams", look);
  }
  asking = false;
  showAge();
  timer = setTimeout(look, INTERVAL);
}

function show(answer, incidents) {
  if (locked) closeTokenForm();
  [locked, wrong] = [false, false];
  setText(byId("version"), answer.version);
  const at = Date.parse(answer.at);
  const streams = answer.streams.sort((a, b) => rank(a) - rank(b) || a.stream.localeCompare(b.stream));
  const open = new Map(streams.map(({ stream }) => [stream, []]));
  for (const incident of incidents) open.get(incident.stream)?.push(incident);
  const mayOrder = !answer.token_required || hasToken();
  const order = (stream, verb, form, body) => give(stream, verb, mayOrder, form, body);
  keepViews(byId("streams"), views, streams, ({ stream }) => stream, (stream) => {
    const view = new StreamView(stream);
    view.node.open = streams.length <= OPEN_AT_FIRST;
    return view;
  });
  for (const stream of streams) views.get(stream.stream).update(stream, open.get(stream.stream), at, order);
  byId("filter").hidden = streams.length < FILTERED;
  filter();
  showVerdict(streams);
  showConfig(answer.configuration);
}

// What is in trouble comes first.
function rank(stream) {
  if (!stream.wanted) return 4;
  if (!stream.on_air) return 0;
  if (isDegraded(stream) || isTroubled(stream)) return 1;
  return stream.verified && fallbackSeen(stream) === null ? 3 : 2;
}

function filter() {
  const wanted = byId("filter").hidden ? "" : byId("filter").value.trim().toLowerCase();
  for (const [name, view] of views) view.node.hidden = !name.includes(wanted);
}

const named = (streams) => streams.slice(0, NAMED).map(({ stream }) => stream).join(", ") + (streams.length > NAMED ? " …" : "");

function showVerdict(streams) {
  const wanted = streams.filter((stream) => stream.wanted);
  const off = wanted.filter((stream) => !stream.on_air);
  const stopped = streams.length - wanted.length;
  let [verdict, summary, kind] = ["No stream is configured", "Add one to the configuration file.", "idle"];
  if (off.length > 0) {
    verdict = wanted.length === 1 ? "Off air" : `${off.length} of ${plural(wanted.length, "stream")} off air`;
    summary = named(off);
    kind = "bad";
  } else if (wanted.length > 0) {
    const unsure = wanted.filter((stream) => !stream.verified);
    const sure = wanted.length - unsure.length;
    if (sure === 0) {
      verdict = wanted.length === 1 ? "Runs, unverified" : `${wanted.length} streams run, unverified`;
      summary = "Nothing tells whether media arrives.";
      kind = "unsure";
    } else {
      verdict = wanted.length === 1 ? "On air" : `${unsure.length === 0 ? "All " : ""}${plural(sure, "stream")} on air`;
      summary = unsure.length > 0 ? `${named(unsure)}: runs, unverified` : "";
      kind = "good";
    }
  } else if (streams.length > 0) {
    [verdict, summary] = ["All streams are stopped", ""];
  }
  const replaced = wanted.filter((stream) => fallbackSeen(stream) !== null);
  if (replaced.length > 0) {
    const shown = replaced.slice(0, NAMED).map((stream) => `${stream.stream}: viewers see ${fallbackSeen(stream)}`);
    summary += `${summary ? " · " : ""}${shown.join(", ")}${replaced.length > NAMED ? " …" : ""}`;
  }
  const degraded = wanted.filter(isDegraded);
  if (degraded.length > 0) summary += `${summary ? " · " : ""}${degraded.length} degraded: ${named(degraded)}`;
  // It is sent, and taken: but a platform says that viewers do not have it, or not well.
  const troubled = wanted.filter(isTroubled);
  if (troubled.length > 0) summary += `${summary ? " · " : ""}trouble at the platform: ${named(troubled)}`;
  if (troubled.length > 0 && kind === "good") kind = "unsure";
  if (stopped > 0 && wanted.length > 0) summary += `${summary ? " · " : ""}${plural(stopped, "stream")} stopped on purpose`;
  setText(byId("verdict"), verdict);
  setText(byId("summary"), summary);
  setClass(byId("headline"), kind);
  document.title = `${verdict} – neverdark`;
  byId("icon").href = `web/${{ good: "on", bad: "off" }[kind] ?? "unknown"}.svg`;
}

function showAge() {
  const age = answeredAt === null ? null : (performance.now() - answeredAt) / 1000;
  const stale = trouble !== null || age === null || age > (INTERVAL + PATIENCE) / 1000;
  document.body.classList.toggle("stale", stale);
  if (!stale) {
    setText(byId("age"), age < INTERVAL / 500 ? "up to date" : `${duration(age)} old`);
    return;
  }
  setText(byId("age"), locked ? "locked" : "no answer");
  if (trouble === null) return;
  setText(byId("verdict"), trouble[0].toUpperCase() + trouble.slice(1));
  setText(
    byId("summary"),
    age === null
      ? locked
        ? "Under this name neverdark tells nothing without it. Enter it below."
        : "Nothing is known of the streams. Is it running, and can this browser reach it?"
      : `What stands below is ${duration(age)} old. The streams may be on air or not: this page cannot tell.`,
  );
  setClass(byId("headline"), "lost");
  document.title = `${locked ? "Locked" : "No answer"} – neverdark`;
  byId("icon").href = "web/unknown.svg";
}

// An order. The token, if one is needed, is asked for below it (`form`), and the order follows when it was right.
async function give(stream, verb, mayOrder, form, body = null) {
  const again = async () => form.say(await give(stream, verb, true, form, body));
  const label = `Token, to ${verb} ${stream}`;
  if (!mayOrder && !hasToken()) {
    askForToken(form.node, label, again);
    return "";
  }
  try {
    await ask(`${streamPath(stream)}/${verb}`, "POST", null, body);
    look();
    return `${verb}: accepted`;
  } catch (error) {
    if (error instanceof Refused && error.wantsToken) askForToken(form.node, label, again);
    return inWords(error);
  }
}

byId("filter").addEventListener("input", filter);
document.addEventListener("visibilitychange", () => document.hidden || look());
setInterval(showAge, 1000);
look();
