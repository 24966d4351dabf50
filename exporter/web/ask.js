// Questions and orders. Paths are relative to the page, so that it also works below a proxy's prefix.

const PATIENCE = 5000; // ms
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

// `given` is a token to be tried instead of the one that is kept.
export async function ask(path, method = "GET", given = null) {
  const token = given ?? sessionStorage.getItem(KEY);
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(path, { method, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (response.status === 401 && token !== null && sessionStorage.getItem(KEY) === token) {
    sessionStorage.removeItem(KEY);
  }
  const answer = await response.json();
  const mayOnlyRead = (response.headers.get("WWW-Authenticate") ?? "").includes("insufficient_scope");
  if (!response.ok) throw new Refused(response.status, answer.detail, mayOnlyRead);
  return answer;
}

// fetch's own errors say nothing that helps an owner; neverdark's do.
export const inWords = (error) => (error instanceof Refused ? error.message : "neverdark does not answer");

export const streamPath = (stream) => `api/streams/${encodeURIComponent(stream)}`;
