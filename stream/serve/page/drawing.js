// People on a canvas: limbs, joints and ids, in colours that belong to the id.

const GOLDEN_ANGLE = 137.50776405003785;
const DRAW_SCORE = 0.2;

/** Colour of an identity as [r, g, b], the same as in overlay videos. */
export function idColour(id) {
  if (id === null) return [160, 160, 160];
  const hue = (id * GOLDEN_ANGLE) % 360;
  const value = Math.floor(id / 8) % 2 ? 0.8 : 1.0;
  const part = (n) => {
    const k = (n + hue / 60) % 6;
    return Math.round(255 * value * (1 - 0.85 * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [part(5), part(3), part(1)];
}

export const css = (rgb) => `rgb(${rgb.join(" ")})`;

/** Black or white, whichever can be read on the colour. */
export function inkOn([r, g, b]) {
  return 0.299 * r + 0.587 * g + 0.114 * b < 140 ? "#fff" : "#000";
}

/** Draw a picture and its people. `poses` is a message of type "poses", `edges` its limbs. */
export function paint(canvas, picture, poses, edges) {
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const scale = picture.width / poses.width;
  const dot = dotSize(canvas);
  for (const person of poses.persons) drawPerson(context, person, edges, scale, dot);
  for (const person of poses.persons) drawId(context, person, scale, dot, canvas);
}

/** Pixels of the canvas in one pixel of the page, so that lines and letters stay legible. */
function dotSize(canvas) {
  const shown = Math.min(canvas.clientWidth / canvas.width, canvas.clientHeight / canvas.height);
  return shown > 0 ? 1 / shown : 1;
}

function shownJoints(person, scale) {
  return person.keypoints.map((joint) =>
    joint && joint[2] >= DRAW_SCORE ? [joint[0] * scale, joint[1] * scale] : null);
}

function drawPerson(context, person, edges, scale, dot) {
  const joints = shownJoints(person, scale);
  const [x1, y1, x2, y2] = person.box;
  const size = Math.max(x2 - x1, y2 - y1) * scale;
  const width = dot * Math.min(5, Math.max(1.5, size / dot / 100));
  context.strokeStyle = context.fillStyle = css(idColour(person.track_id));
  context.lineWidth = width;
  context.lineCap = "round";
  context.beginPath();
  for (const [a, b] of edges) {
    if (!joints[a] || !joints[b]) continue;
    context.moveTo(...joints[a]);
    context.lineTo(...joints[b]);
  }
  context.stroke();
  for (const joint of joints) {
    if (!joint) continue;
    context.beginPath();
    context.arc(joint[0], joint[1], 1.3 * width, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawId(context, person, scale, dot, canvas) {
  const joints = shownJoints(person, scale).filter(Boolean);
  if (person.track_id === null || !joints.length) return;
  const size = 13 * dot;
  const text = String(person.track_id);
  context.font = `600 ${size}px system-ui, sans-serif`;
  const wide = context.measureText(text).width + 0.7 * size;
  const middle = joints.reduce((sum, joint) => sum + joint[0], 0) / joints.length;
  const top = Math.min(...joints.map((joint) => joint[1]));
  const x = Math.min(Math.max(middle - wide / 2, 0), canvas.width - wide);
  const y = Math.min(Math.max(top - 1.7 * size, 0), canvas.height - 1.3 * size);
  const colour = idColour(person.track_id);
  context.fillStyle = css(colour);
  context.fillRect(x, y, wide, 1.3 * size);
  context.fillStyle = inkOn(colour);
  context.textBaseline = "middle";
  context.fillText(text, x + 0.35 * size, y + 0.68 * size);
}
