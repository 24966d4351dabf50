// Small pictures of what is sent. Asked for one after the other, and only of what somebody can see: each costs neverdark
// a moment of work. They are drawn, not linked: so the token goes with the question, and the page loads no images.

import { askForPicture, inWords, Refused } from "./ask.js";
import { element, setText } from "./nodes.js";

const EVERY = 12000; // ms; neverdark itself shows the same one for 10 s
const RARELY = 30000; // where there is none as things are, or none came
const OLD = 40000; // what is not renewed for so long says nothing of now
const views = new Set();
let asking = false;

export class PictureView {
  // `once`: what it shows never changes.
  constructor(path, name, once = false) {
    this.node = element("figure", "picture");
    this.canvas = element("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", name);
    this.canvas.hidden = true;
    this.words = element("figcaption", "", "…");
    this.node.append(this.canvas, this.words);
    this.path = path;
    this.once = once;
    this.due = 0; // by this browser's clock that never jumps
    this.drawn = 0;
    views.add(this);
  }

  get isSeen() {
    if (!this.node.checkVisibility()) return false;
    const { top, bottom } = this.node.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
  }

  async renew() {
    try {
      this.draw(await createImageBitmap(await askForPicture(this.path)));
      this.due = this.once ? Infinity : performance.now() + EVERY;
    } catch (error) {
      this.due = performance.now() + (error instanceof Refused ? RARELY : EVERY);
      if (!this.drawn || performance.now() - this.drawn > OLD) this.say(inWords(error));
    }
  }

  draw(picture) {
    [this.canvas.width, this.canvas.height] = [picture.width, picture.height];
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    this.drawn = performance.now();
    this.canvas.hidden = false;
    setText(this.words, "");
  }

  say(text) {
    this.canvas.hidden = true;
    setText(this.words, text);
  }
}

async function look() {
  for (const view of views) if (!view.node.isConnected) views.delete(view);
  if (asking || document.hidden) return;
  const now = performance.now();
  const due = [...views].filter((view) => view.due <= now && view.isSeen).sort((a, b) => a.due - b.due);
  if (due.length === 0) return;
  asking = true;
  await due[0].renew();
  asking = false;
}

setInterval(look, 500);
