// A crosshair for the line charts: pointing at the plot, or the arrow keys, read out one day's value.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function part(name, className) {
  const node = document.createElementNS(SVG, name);
  node.setAttribute("class", className);
  return node;
}

function attach(chart) {
  if (chart.dataset.attached) return;
  chart.dataset.attached = "yes";
  const points = JSON.parse(chart.dataset.points);
  const plot = chart.querySelector(".plot");
  const readout = chart.closest("figure").querySelector("[data-readout]");
  const resting = readout.textContent;
  const line = part("line", "cursor");
  const dots = [];
  line.setAttribute("y1", "0");
  line.setAttribute("y2", "100%");
  let at = points.length - 1;

  // One dot for each line that has a value on the day; a chart of areas has none.
  function mark(left, downs) {
    while (dots.length < downs.length) {
      dots.push(part("circle", "dot"));
      dots.at(-1).setAttribute("r", "4.5");
    }
    dots.forEach((dot, number) => {
      if (number >= downs.length) return dot.remove();
      dot.setAttribute("cx", `${left * 100}%`);
      dot.setAttribute("cy", `${downs[number] * 100}%`);
      if (!dot.isConnected) plot.append(dot);
    });
  }

  function show(index) {
    at = Math.max(0, Math.min(points.length - 1, index));
    const [day, value, left, down] = points[at];
    line.setAttribute("x1", `${left * 100}%`);
    line.setAttribute("x2", `${left * 100}%`);
    if (!line.isConnected) plot.append(line);
    mark(left, [].concat(down));
    readout.replaceChildren(`${day}: `, Object.assign(document.createElement("b"), { textContent: value }));
  }

  function rest() {
    line.remove();
    dots.forEach((dot) => dot.remove());
    readout.textContent = resting;
  }

  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const left = (event.clientX - box.left) / box.width;
    let low = 0;
    let high = points.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle][2] < left) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && left - points[low - 1][2] < points[low][2] - left) low -= 1;
    show(low);
  });
  plot.addEventListener("pointerleave", rest);
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(at + step);
  });
  plot.addEventListener("blur", rest);
  plot.setAttribute("tabindex", "0");
}

function attachAll(root) {
  root.querySelectorAll("[data-chart]").forEach(attach);
}

attachAll(document);
document.addEventListener("htmx:load", (event) => attachAll(event.detail.elt.parentElement || document));
