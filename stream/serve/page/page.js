// The page: one WebSocket for the pictures of all cameras, and the server's state once a second.

import { Card } from "./cards.js";

const STATE_MS = 1000;
const RETRY_MS = [500, 1000, 2000, 5000];

const cards = new Map();
const line = document.getElementById("line");
let skeletons = {};
let retries = 0;

function showLine(state) {
  if (line.textContent !== state) line.textContent = state;
  line.dataset.state = state === "connected" ? "live" : "offline";
}

function cardOf({ name, title }) {
  if (!cards.has(name)) {
    const card = new Card(name, title);
    cards.set(name, card);
    document.getElementById("cameras").append(card.root);
  }
  return cards.get(name);
}

// Pictures. The server sends the next one when it hears that this one was painted, so a slow line
// shows fewer pictures and not older ones; a hidden tab paints none and is sent none.

function connect() {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws/view`);
  socket.binaryType = "arraybuffer";
  const queue = new Map();
  let drawing = false;

  const draw = () => {
    drawing = false;
    for (const [name, shown] of queue) {
      queue.delete(name);
      const card = cards.get(name);
      if (card) {
        card.newest = shown;
        card.paint(skeletons);
      } else {
        shown.picture.close();
      }
      if (socket.readyState === WebSocket.OPEN) {
        socket.send(JSON.stringify({ seen: name, number: shown.poses.number }));
      }
    }
  };

  const take = async (data) => {
    const length = new DataView(data).getUint32(0);
    const poses = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    const jpeg = new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" });
    const picture = await createImageBitmap(jpeg);
    const waiting = queue.get(poses.camera);
    if (waiting && waiting.poses.number > poses.number) return picture.close();
    if (waiting) waiting.picture.close();
    queue.set(poses.camera, { picture, poses });
    if (!drawing) {
      drawing = true;
      requestAnimationFrame(draw);
    }
  };

  socket.onopen = () => {
    retries = 0;
    showLine("connected");
  };
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return void take(data);
    const message = JSON.parse(data);
    if (message.type === "hello") {
      skeletons = message.skeletons;
      message.cameras.forEach(cardOf);
    }
  };
  socket.onclose = () => {
    showLine("reconnecting");
    setTimeout(connect, RETRY_MS[Math.min(retries++, RETRY_MS.length - 1)]);
  };
}

async function poll() {
  try {
    const answer = await fetch("/api/state");
    if (answer.ok) {
      const state = await answer.json();
      for (const camera of state.cameras) {
        cardOf(camera).showState(camera);
      }
      document.getElementById("about").textContent =
        `${state.version} · ${state.preset} · up ${span(state.uptime_s)} · ` +
        `${state.viewers} watching`;
    } else if (answer.status === 401) {
      showLine("open this page with ?token=… once");
    }
  } catch {
    cards.forEach((card) => card.showNotice());
  }
  setTimeout(poll, STATE_MS);
}

function span(seconds) {
  const whole = Math.floor(seconds), two = (n) => String(n).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

// Light, dark, or as the system has it.

const THEMES = ["system", "light", "dark"];
const themeButton = document.getElementById("theme");

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  themeButton.textContent = `Theme: ${theme}`;
  localStorage.setItem("theme", theme);
}

themeButton.addEventListener("click", () => {
  const now = localStorage.getItem("theme") ?? "system";
  setTheme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
});

setTheme(THEMES.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "system");
connect();
poll();
