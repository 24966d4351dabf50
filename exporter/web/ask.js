// Questions and orders. Paths are relative to the page, so that it also works below a proxy's prefix.

const PATIENCE = 5000; // ms
const PICTURE_PATIENCE = 30000;
const KEY = "token";

// What neverdark refused, in its own words.
export class Refused extends Error {
  constructor(status, detail, mayOnlyRead = false) {
    super(detail);
    this.status = status;
    this.wantsToken = status === 401 || mayOnlyRead; // another one would do
  }
}

export const hasToken = () => sessionStorage.getItem(KEY) !== null;
export const keepToken = (token) => sessionStorage.setItem(KEY, token);

// `given` is a token to be tried instead of the one that is kept; `body` what an order says.
export async function ask(path, method = "GET", given = null, body = null) {
  const token = given ?? sessionStorage.getItem(KEY);
  const said = body === null ? {} : { body: JSON.stringify(body) };
  const response = await asked(path, token, { method, cache: "no-store", ...said }, PATIENCE);
  if (response.status === 401 && token !== null && sessionStorage.getItem(KEY) === token) {
    sessionStorage.removeItem(KEY);
  }
  const answer = await response.json();
  const mayOnlyRead = (response.headers.get("WWW-Authenticate") ?? "").includes("insufficient_scope");
  if (!response.ok) throw new Refused(response.status, answer.detail, mayOnlyRead);
  return answer;
}

// A JPEG. What keyframes are far apart in takes its time.
export async function askForPicture(path) {
  const response = await asked(path, sessionStorage.getItem(KEY), {}, PICTURE_PATIENCE);
  if (!response.ok) throw new Refused(response.status, (await response.json()).detail);
  return response.blob();
}

function asked(path, token, how, patience) {
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  if (how.body) headers["Content-Type"] = "application/json";
  return fetch(path, { headers, signal: AbortSignal.timeout(patience), ...how });
}

// fetch's own errors say nothing that helps an owner; neverdark's do.
export const inWords = (error) => (error instanceof Refused ? error.message : "neverdark does not answer");

export const streamPath = (stream) => `api/streams/${encodeURIComponent(stream)}`;
