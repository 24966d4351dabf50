// The token is asked for where it is needed, and tried before it is kept: a wrong one leaves the form open.

import { ask, inWords, keepToken, Refused } from "./ask.js";
import { setText } from "./nodes.js";

// Kept here, because the form moves: with a stream that is no longer configured it may leave the page.
const [form, label, field, said] = ["token-form", "token-label", "token", "token-said"].map((id) => document.getElementById(id));
let then = () => {};

// Show the form below `parent`; `after` follows when a token was right.
export function askForToken(parent, what, after) {
  then = after;
  setText(label, what);
  if (form.parentNode !== parent) parent.append(form);
  if (!form.hidden) return;
  form.hidden = false;
  setText(said, "");
  field.focus();
}

export function closeTokenForm() {
  form.hidden = true;
}

async function tryToken() {
  const token = field.value.trim();
  if (!token) return;
  setText(said, "…");
  try {
    await ask("api/token", "GET", token);
  } catch (error) {
    setText(said, error instanceof Refused && error.status === 401 ? "This token is not right." : inWords(error));
    field.select();
    return;
  }
  keepToken(token);
  field.value = "";
  closeTokenForm();
  then();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  tryToken();
});
