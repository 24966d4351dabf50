// Small help with the page's nodes. What does not change is not touched: a button stays under the finger that
// presses it, and a selection in a log survives the next answer.

export function element(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node, className) {
  if (node.className !== className) node.className = className;
}

// A button that does what `then` says. What changes what viewers see is asked `twice`, without a dialogue that would
// stop the page.
export function orderButton(className, plain, then, twice = true) {
  const button = element("button", className, plain);
  let armed = 0;
  button.addEventListener("click", async () => {
    if (twice && Date.now() - armed > 4000) {
      armed = Date.now();
      button.textContent = `Really ${plain.toLowerCase()}?`;
      setTimeout(() => (button.textContent = plain), 4000);
      return;
    }
    armed = 0;
    button.textContent = plain;
    await then();
  });
  return button;
}

// One view for each item, in the items' order: made when its key is new, removed when it is gone.
export function keepViews(parent, views, items, keyOf, make) {
  const keys = new Set(items.map(keyOf));
  for (const [key, view] of views) {
    if (keys.has(key)) continue;
    view.node.remove();
    views.delete(key);
  }
  let next = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    if (!views.has(key)) views.set(key, make(item));
    const { node } = views.get(key);
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
}
