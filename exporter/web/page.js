// Asks every two seconds, shows what it was told, and says so when it is told nothing.

import { keepViews, setClass, setText } from "./nodes.js";
import { StreamView } from "./stream.js";
import { duration, plural } from "./words.js";

const INTERVAL = 2000;
const PATIENCE = 5000;
const OPEN_AT_FIRST = 4; // so many streams are shown whole; of more, only those in trouble

const byId = (id) => document.getElementById(id);
const views = new Map();
let answeredAt = null; // by this browser's clock that never jumps
let trouble = null; // why the last question had no good answer
let tokenRequired = false;
let timer = null;
let asking = false;

async function ask() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    const [answer, { incidents }] = await Promise.all([read("/api/streams"), read("/api/incidents?open=true&limit=1000")]);
    trouble = null;
    answeredAt = performance.now();
    show(answer, incidents);
  } catch (error) {
    // fetch's own errors say nothing that helps an owner; neverdark's do.
    trouble = error.constructor === Error ? error.message : "neverdark does not answer";
  }
  asking = false;
  showAge();
  timer = setTimeout(ask, INTERVAL);
}

async function read(path) {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

function show(answer, incidents) {
  tokenRequired = answer.token_required;
  setText(byId("version"), answer.version);
  const at = Date.parse(answer.at);
  const rank = (stream) => (stream.wanted ? (stream.on_air ? 1 : 0) : 2);
  const streams = answer.streams.sort((a, b) => rank(a) - rank(b) || a.stream.localeCompare(b.stream));
  const open = new Map(streams.map(({ stream }) => [stream, []]));
  for (const incident of incidents) open.get(incident.stream)?.push(incident);
  const mayOrder = !tokenRequired || sessionStorage.getItem("token") !== null;
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
    verdict = wanted.length === 1 ? "On air" : `All ${wanted.length} streams on air`;
    summary = "";
    kind = "good";
  } else if (streams.length > 0) {
    [verdict, summary] = ["All streams are stopped", ""];
  }
  if (stopped > 0 && wanted.length > 0) summary += `${summary ? " · " : ""}${plural(stopped, "stream")} stopped on purpose`;
  setText(byId("verdict"), verdict);
  setText(byId("summary"), summary);
  setClass(byId("headline"), kind);
  document.title = `${verdict} – neverdark`;
  byId("icon").href = `/web/${{ good: "on", bad: "off", idle: "unknown" }[kind]}.svg`;
}

function showAge() {
  const age = answeredAt === null ? null : (performance.now() - answeredAt) / 1000;
  const stale = trouble !== null || age === null || age > (INTERVAL + PATIENCE) / 1000;
  document.body.classList.toggle("stale", stale);
  if (!stale) {
    setText(byId("age"), age < INTERVAL / 500 ? "up to date" : `${duration(age)} old`);
    return;
  }
  setText(byId("age"), "no answer");
  if (trouble === null) return;
  setText(byId("verdict"), trouble[0].toUpperCase() + trouble.slice(1));
  setText(
    byId("summary"),
    age === null
      ? "Nothing is known of the streams. Is it running, and can this browser reach it?"
      : `What stands below is ${duration(age)} old. The streams may be on air or not: this page cannot tell.`,
  );
  setClass(byId("headline"), "lost");
  document.title = "No answer – neverdark";
  byId("icon").href = "/web/unknown.svg";
}

async function order(stream, verb) {
  const token = sessionStorage.getItem("token");
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  try {
    const response = await fetch(`/api/streams/${encodeURIComponent(stream)}/${verb}`, { method: "POST", headers });
    if (response.status === 401) {
      sessionStorage.removeItem("token");
      showTokenForm();
      return "the token is wrong";
    }
    const answer = await response.json();
    if (!response.ok) return answer.detail;
    ask();
    return `${verb}: accepted`;
  } catch {
    return "neverdark does not answer";
  }
}

function showTokenForm() {
  byId("token-form").hidden = !tokenRequired || sessionStorage.getItem("token") !== null;
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = byId("token").value.trim();
  if (token) sessionStorage.setItem("token", token);
  byId("token").value = "";
  ask();
});
document.addEventListener("visibilitychange", () => document.hidden || ask());
setInterval(showAge, 1000);
ask();
