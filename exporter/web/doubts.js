// What is wrong with a stream although it is on air, in one sentence: for the card that is closed.

import { causeInWords, clock, duration } from "./words.js";

// When media last reached a destination, as its pusher tells; undefined: nobody tells, null: never.
export function lastThere(stream, name) {
  return stream.processes.find(({ role, destination }) => role === "pusher" && destination === name)?.progress?.last_advance;
}

// Primary and backup stand in for each other, what is not required counts for nothing.
export const standing = ({ role, required }) => role ?? (required ? "" : "optional");
export const nameOf = (place) => `${place.name}${standing(place) ? ` (${standing(place)})` : ""}`;

export const isDegraded = ({ wanted, on_air: onAir, health }) => wanted && onAir && (health === "degraded" || health === "unhealthy");

const troubleAt = ({ platform }) => platform && (platform.verdict === "unhealthy" || platform.exhausted);
export const isTroubled = ({ wanted, on_air: onAir, destinations }) => wanted && onAir && destinations.some(troubleAt);

function placeDoubt(stream, place, incidents, at) {
  const name = nameOf(place);
  const pusher = stream.processes.find(({ destination }) => destination === place.name);
  const cause = incidents.find(({ destination }) => destination === place.name)?.cause ?? pusher?.last_failure?.cause;
  const last = lastThere(stream, place.name);
  const since = last ? ` since ${clock(Date.parse(last))} (${duration((at - Date.parse(last)) / 1000)})` : "";
  return `${name} is dark${since}${cause ? `: ${causeInWords(cause)}` : ""}`;
}

function watchdogDoubt({ name, watchdog }) {
  const checks = Object.keys(watchdog.verdicts).filter((check) => watchdog.verdicts[check] === watchdog.verdict);
  return `${name}: the watchdog finds ${checks.join(", ") || "it"} ${watchdog.verdict}`;
}

export function doubtsInWords(stream, incidents, at) {
  if (!isDegraded(stream)) {
    const troubled = isTroubled(stream) ? stream.destinations.filter(troubleAt) : [];
    return troubled.map(({ name, platform }) => `On air, but ${name} says: ${platform.said}.`).join(" ");
  }
  const dark = stream.destinations.filter((place) => !place.on_air);
  const said = dark.map((place) => placeDoubt(stream, place, incidents, at));
  const flowing = incidents.filter(({ destination }) => !dark.some(({ name }) => name === destination));
  said.push(...flowing.map(({ destination, cause, said }) => `${destination ? `${destination}: ` : ""}${causeInWords(cause, said)}`));
  if (said.length === 0) {
    const doubted = ({ watchdog }) => watchdog && ["degraded", "unhealthy"].includes(watchdog.verdict);
    said.push(...stream.destinations.filter(doubted).map(watchdogDoubt));
  }
  return said.length > 0 ? `On air, but ${said.join("; ")}.` : "";
}
