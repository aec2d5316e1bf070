// One card a camera: its picture, its people, its figures, its switch.

import { css, idColour, inkOn, paint } from "./drawing.js";

const OLD_MS = 2000;
const STAGE_COLOURS = {
  wait: "#8b949e", detect: "#e0913a", estimate: "#3fa66a", refine: "#a06fd6", track: "#d65a7b",
};
const STATE_TEXTS = {
  connecting: "Being opened",
  live: "Pictures come",
  stalled: "Open, but no picture comes",
  waiting: "Lost or refused; tried again soon",
  ended: "Came to its end",
  failed: "Given up",
  stopped: "Stopped by hand",
};

export class Card {
  constructor(name, title) {
    this.name = name;
    this.newest = null;
    this.paintedAt = null;
    this.state = null;
    this.switching = false;
    const clone = document.getElementById("card").content.cloneNode(true);
    this.root = clone.querySelector("article");
    const find = (selector) => this.root.querySelector(selector);
    this.badge = find(".badge");
    this.screen = find(".screen");
    this.canvas = find("canvas");
    this.notice = find(".notice");
    this.people = find(".people");
    this.figures = find(".figures");
    this.bar = find(".bar");
    this.stages = find(".stages p");
    this.button = find(".switch");
    this.root.dataset.camera = name;
    const heading = find("h2");
    heading.textContent = title;
    heading.id = `camera-${name}`;
    this.root.setAttribute("aria-labelledby", heading.id);
    find(".snapshot").href = `/api/cameras/${name}/snapshot.jpg`;
    this.button.addEventListener("click", () => this.switch());
  }

  /** Paint what came last; true when there was something new. */
  paint(skeletons) {
    if (!this.newest) return false;
    const { picture, poses } = this.newest;
    this.newest = null;
    paint(this.canvas, picture, poses, skeletons[poses.skeleton].edges);
    picture.close();
    this.paintedAt = performance.now();
    this.showPeople(poses.persons.map((person) => person.track_id).sort((a, b) => a - b));
    this.showNotice();
    return true;
  }

  showPeople(ids) {
    const key = ids.join();
    if (this.people.dataset.ids === key) return;
    this.people.dataset.ids = key;
    this.canvas.setAttribute("aria-label", `Picture with ${ids.length} people`);
    this.people.replaceChildren(...ids.map((id) => {
      const chip = document.createElement("li");
      const colour = idColour(id);
      chip.textContent = id ?? "?";
      chip.style.background = css(colour);
      chip.style.color = inkOn(colour);
      return chip;
    }));
    if (!ids.length) {
      const nobody = document.createElement("li");
      nobody.className = "nobody";
      nobody.textContent = "nobody in the picture";
      this.people.append(nobody);
    }
  }

  showState(state) {
    this.state = state;
    setText(this.badge, state.state);
    this.badge.dataset.state = state.state;
    this.badge.title = STATE_TEXTS[state.state] ?? "";
    setText(this.button, this.runs() ? "Stop" : "Start");
    this.button.setAttribute("aria-label", `${this.button.textContent} ${state.title}`);
    this.showFigures(state);
    this.showStages(state.stage_ms);
    this.showNotice();
    if (!state.wanted) this.showPeople([]);
  }

  runs() {
    return !["stopped", "ended", "failed"].includes(this.state?.state);
  }

  showFigures(state) {
    const age = state.age_ms, seen = state.viewer_age_ms;
    const share = state.decoded ? Math.round((100 * state.dropped) / state.decoded) : 0;
    const rows = {
      "Frame age": [ms(age.p50), `p95 ${ms(age.p95)}`, "From the decoded picture to its poses"],
      "Seen after": [ms(seen.p50), `p95 ${ms(seen.p95)}`, "From the decoded picture to your screen"],
      "Tracked": [`${state.tracked_fps}/s`, `of ${state.decoded_fps}/s`, "Frames a second"],
      "People": [state.people, "", "In the newest picture"],
      "Dropped": [state.dropped, `${share} %`, "Frames replaced by a newer one"],
      "Reconnects": [state.reconnects, `epoch ${state.epoch}`, "Times the camera came back"],
    };
    if (!this.cells) {
      this.cells = Object.fromEntries(Object.entries(rows).map(([name, row]) => {
        const box = document.createElement("div");
        box.title = row[2];
        const value = document.createElement("span"), small = document.createElement("small");
        const term = document.createElement("dt"), data = document.createElement("dd");
        term.textContent = name;
        data.append(value, " ", small);
        box.append(term, data);
        this.figures.append(box);
        return [name, [value, small]];
      }));
    }
    for (const [name, row] of Object.entries(rows)) {
      setText(this.cells[name][0], row[0]);
      setText(this.cells[name][1], row[1]);
    }
  }

  showStages(stages) {
    const named = Object.keys(STAGE_COLOURS).filter((name) => name in stages);
    this.bar.replaceChildren(...named.map((name) => {
      const part = document.createElement("div");
      part.style.flexGrow = stages[name];
      part.style.background = STAGE_COLOURS[name];
      return part;
    }));
    setText(this.stages, named.map((name) => `${name} ${short(stages[name])}`).join(" · ") + (named.length ? " ms" : ""));
  }

  /** Say why the picture does not move, if it does not. */
  showNotice() {
    const state = this.state;
    const quiet = this.paintedAt === null ? Infinity : performance.now() - this.paintedAt;
    const old = quiet > OLD_MS || (state !== null && !state.wanted);
    this.screen.classList.toggle("old", old);
    this.notice.hidden = !old;
    if (!old) return;
    let text = state ? state.state : "waiting for a picture";
    if (state && state.error && state.wanted) text += `: ${state.error}`;
    else if (state && state.state === "live") text = "waiting for a picture";
    setText(this.notice, text);
  }

  async switch() {
    if (this.switching) return; // a disabled button would lose the keyboard's focus
    this.switching = true;
    try {
      const what = this.runs() ? "stop" : "start";
      const answer = await fetch(`/api/cameras/${this.name}/${what}`, { method: "POST" });
      if (answer.ok) this.showState({ ...this.state, ...(await answer.json()) });
    } finally {
      this.switching = false;
    }
  }
}

const short = (value) => (value < 10 ? value : Math.round(value));
const ms = (value) => (value === undefined ? "–" : `${Math.round(value)} ms`);

function setText(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}
