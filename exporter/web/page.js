// Asks every two seconds, shows what it was told, and says so when it is told nothing.

import { ask, hasToken, inWords, keepToken, Refused, streamPath } from "./ask.js";
import { keepViews, setClass, setText } from "./nodes.js";
import { StreamView } from "./stream.js";
import { duration, plural } from "./words.js";

const INTERVAL = 2000;
const PATIENCE = 5000; // as long as a question may take
const OPEN_AT_FIRST = 4; // so many streams are shown whole; of more, only those in trouble

const byId = (id) => document.getElementById(id);
const views = new Map();
let answeredAt = null; // by this browser's clock that never jumps
let trouble = null; // why the last question had no good answer
let tokenRequired = false; // for orders
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
    showTokenForm();
  }
  asking = false;
  showAge();
  timer = setTimeout(look, INTERVAL);
}

function show(answer, incidents) {
  [tokenRequired, locked, wrong] = [answer.token_required, false, false];
  setText(byId("version"), answer.version);
  const at = Date.parse(answer.at);
  const rank = (stream) => (stream.wanted ? (stream.on_air ? 1 : 0) : 2);
  const streams = answer.streams.sort((a, b) => rank(a) - rank(b) || a.stream.localeCompare(b.stream));
  const open = new Map(streams.map(({ stream }) => [stream, []]));
  for (const incident of incidents) open.get(incident.stream)?.push(incident);
  const mayOrder = !tokenRequired || hasToken();
  keepViews(byId("streams"), views, streams, ({ stream }) => stream, (stream) => {
    const view = new StreamView(stream, order);
    view.node.open = streams.length <= OPEN_AT_FIRST;
    return view;
  });
  for (const stream of streams) views.get(stream.stream).update(stream, open.get(stream.stream), at, mayOrder);
  showVerdict(streams);
  showTokenForm();
}

function showVerdict(streams) {
  const wanted = streams.filter((stream) => stream.wanted);
  const off = wanted.filter((stream) => !stream.on_air);
  const stopped = streams.length - wanted.length;
  let [verdict, summary, kind] = ["No stream is configured", "Add one to the configuration file.", "idle"];
  if (off.length > 0) {
    verdict = wanted.length === 1 ? "Off air" : `${off.length} of ${plural(wanted.length, "stream")} off air`;
    summary = off.slice(0, 8).map((stream) => stream.stream).join(", ") + (off.length > 8 ? " …" : "");
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
      summary = unsure.length > 0 ? `${unsure.map((stream) => stream.stream).join(", ")}: runs, unverified` : "";
      kind = "good";
    }
  } else if (streams.length > 0) {
    [verdict, summary] = ["All streams are stopped", ""];
  }
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

async function order(stream, verb) {
  try {
    await ask(`${streamPath(stream)}/${verb}`, "POST");
    look();
    return `${verb}: accepted`;
  } catch (error) {
    showTokenForm();
    return inWords(error);
  }
}

function showTokenForm() {
  byId("token-form").hidden = hasToken() || !(tokenRequired || locked);
  setText(byId("token-label"), locked ? "Token, to see and control the streams" : "Token, to start and stop streams from here");
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = byId("token").value.trim();
  if (token) keepToken(token);
  byId("token").value = "";
  wrong = false;
  look();
});
document.addEventListener("visibilitychange", () => document.hidden || look());
setInterval(showAge, 1000);
look();
