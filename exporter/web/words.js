// Numbers and causes in words, for people.

const CAUSES = {
  source_unreachable: "the source could not be reached",
  source_refused: "the source refused us (wrong name or password, or asked too often?)",
  source_ended: "the source ended",
  ingest_unreachable: "the platform's server could not be reached",
  ingest_refused: "the platform's server refused the stream (wrong key, or already in use?)",
  ingest_closed: "the platform's server closed the connection",
  bad_arguments: "FFmpeg does not understand its arguments",
  encoder_missing: "this FFmpeg or machine lacks the encoder",
  disk_full: "the disk is full",
  out_of_memory: "the machine ran out of memory",
  killed: "it was killed",
  stopped: "it was stopped",
  other: "it ended for an unknown reason",
  stall: "it ran, but made no progress",
  start_timeout: "it started, but made no progress",
  uplink_blocked: "the platform's server acknowledged nothing",
  backlog: "the line carries less than the stream needs",
  av_offset: "sound and picture leave apart",
  clock_jumped: "the source's clock jumped",
  port_taken: "another program took a port of ours",
  storage: "the disk of a recording does not take what is written, or is nearly full",
  black: "the picture is black",
  frozen: "the picture is frozen",
  silent: "there is no sound",
  loud: "the sound is too loud",
  still: "nothing moves in the picture",
  slow: "slower than real time",
  bitrate_low: "the bit rate is too low",
  limit: "it used more than it may",
  network_down: "there is no way to the platform's server",
  not_received: "the platform does not receive what is sent",
  not_well_received: "the platform is not content with what it is sent",
  broadcast_not_live: "the broadcast is not live",
  broadcast_ended: "the broadcast has ended",
  broadcast_refused: "the platform does not permit a broadcast",
  key_of_another: "the key leads to another stream of the channel",
  page_not_live: "the channel's public page shows nothing live",
};

// Where along the path.
const SEGMENTS = {
  source: "Source",
  encoder: "Our encoder",
  pusher: "Our pusher",
  uplink: "Uplink",
  network: "Network",
  platform: "Platform",
  neverdark: "neverdark was down",
  unknown: "Somewhere",
};

const ACTIONS = {
  restart_encoder: "the encoder",
  restart_pusher: "the pusher",
  restart_command: "the command",
  restart_all: "everything",
  new_broadcast: "the broadcast, as a new one",
  start_broadcast: "the broadcast",
};

const RESULTS = {
  recovered: "it helped",
  failed: "did not help",
  superseded: "overtaken by the next step",
};

// `said` is what neverdark knows beyond the cause.
export function causeInWords(cause, said) {
  return said ?? CAUSES[cause] ?? cause.replaceAll("_", " ");
}

export function segmentInWords(segment) {
  return SEGMENTS[segment] ?? segment;
}

export function actionInWords(action) {
  return ACTIONS[action] ?? action.replaceAll("_", " ");
}

export function resultInWords(result) {
  return result === null ? "no result yet" : (RESULTS[result] ?? result);
}

// The fallback that viewers see; null: they see the stream's own source, or nothing.
export const fallbackSeen = ({ on_air: onAir, on_primary: onPrimary, source }) => (onAir && !onPrimary ? source : null);

// "Sources: primary, fallback1 (a slate; viewers see it)"; nothing where there is but one.
export function sourcesInWords({ sources, on_air: onAir }) {
  const said = sources.map(({ name, slate, active }) => {
    const more = [slate ? "a slate" : "", active && onAir ? "viewers see it" : ""].filter(Boolean).join("; ");
    return more ? `${name} (${more})` : name;
  });
  return said.length > 0 ? `Sources: ${said.join(", ")}` : "";
}

export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// Seconds of steady progress after which an incident is closed.
export const closesAfter = (cause) => (["slow", "backlog"].includes(cause) ? 180 : 30);

export function clock(milliseconds) {
  const then = new Date(milliseconds);
  const today = new Date().toDateString() === then.toDateString();
  return today ? then.toLocaleTimeString() : then.toLocaleString();
}

export const dayAndClock = (milliseconds) => new Date(milliseconds).toLocaleString();

function scaled(value, step, units) {
  let index = 0;
  while (value >= step && index < units.length - 1) {
    value /= step;
    index += 1;
  }
  const digits = index === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[index]}`;
}

export const bitRate = (bytesPerSecond) => scaled(bytesPerSecond * 8, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]);
export const size = (bytes) => scaled(bytes, 1000, ["B", "kB", "MB", "GB", "TB"]);

export function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

// "6 (exit 4, stall 2)"
export function counted(counts) {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  const total = some.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return "0";
  return `${total} (${some.map(([name, count]) => `${name.replaceAll("_", " ")} ${count}`).join(", ")})`;
}
