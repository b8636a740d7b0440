// One picture each: lines by uPlot, words as strips; beside it a key with the last values, and the seconds as a table.
/* global uPlot */
import { figure, split, tick, titleOf } from "./figures.js";

const COLOURS = 8;
const LEAST_SPAN_S = 30;
const TIME_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const BYTE_STEPS = Array.from({ length: 40 }, (_, power) => 2 ** power);
const TABLE_ROWS = 60;
const DASHES = [undefined, [6, 4], [2, 3]];

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function colour(place) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--c${place % COLOURS}`).trim();
}

function timeOf(second) {
  return new Date(1000 * second).toLocaleTimeString("en-GB");
}

// From the first of these rows to the last, and never so little that a second fills the picture.
function spanOf(rows) {
  return Math.max(LEAST_SPAN_S, rows.at(-1).second - rows[0].second + 1);
}

// The values of a feed's rows that belong to a chart, in the order of the chart, then as they come.
function namesIn(chart, rows) {
  const bases = Object.keys(chart.values);
  const names = new Set();
  for (const row of rows) for (const [name, value] of Object.entries(row)) if (value !== null && bases.includes(split(name)[0])) names.add(name);
  const place = (name) => bases.indexOf(split(name)[0]);
  return [...names].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

class Figure {
  constructor(chart) {
    this.chart = chart;
    this.key = element("ul", { className: "key" });
    this.body = element("div", { className: "plot" });
    this.none = element("p", { className: "none", textContent: "Nothing of this so far." });
    this.table = element("div", { className: "table", tabIndex: 0 });
    this.table.setAttribute("role", "region");
    this.table.setAttribute("aria-label", `${chart.title}, by second`);
    this.details = element("details", {}, element("summary", { textContent: "As a table" }), this.table);
    this.details.addEventListener("toggle", () => this.tabulate());
    this.root = element("figure", {}, element("h2", { textContent: chart.title }), this.none, this.key, this.body, this.details);
    this.names = [];
    this.rows = [];
  }

  draw(rows) {
    this.rows = rows;
    const names = namesIn(this.chart, rows);
    const others = names.join("\n") !== this.names.join("\n");
    this.names = names;
    this.none.hidden = names.length > 0;
    this.key.hidden = this.body.hidden = this.details.hidden = names.length === 0;
    if (!names.length) return this.forget();
    this.tell(others);
    this.picture(others);
    return this.tabulate();
  }

  // The key: what each line is and what it is now.
  tell(others) {
    if (others) {
      this.figures = this.names.map(() => element("b"));
      this.key.replaceChildren(...this.names.map((name, place) => {
        return element("li", {}, this.mark(place), `${titleOf(this.chart, name)} `, this.figures[place]);
      }));
    }
    const last = this.rows.at(-1) ?? {};
    this.names.forEach((name, place) => { this.figures[place].textContent = figure(this.chart.unit, last[name]); });
  }

  tabulate() {
    if (!this.details.open || !this.names.length) return;
    const head = ["Time", ...this.names.map((name) => titleOf(this.chart, name))];
    const line = (cells, kind) => element("tr", {}, ...cells.map((text) => element(kind, { textContent: text })));
    const body = this.rows.slice(-TABLE_ROWS).reverse().map((row) => line([
      timeOf(row.second), ...this.names.map((name) => figure(this.chart.unit, row[name])),
    ], "td"));
    this.table.replaceChildren(element("table", {}, element("thead", {}, line(head, "th")), element("tbody", {}, ...body)));
  }
}

export class Lines extends Figure {
  mark(place) {
    const mark = element("i");
    mark.style.borderTopColor = colour(place);
    mark.style.borderTopStyle = DASHES[Math.floor(place / COLOURS) % DASHES.length] ? "dashed" : "solid";
    return mark;
  }

  picture(others) {
    const data = [this.rows.map((row) => row.second), ...this.names.map((name) => this.rows.map((row) => row[name] ?? null))];
    if (others || !this.plot) {
      this.forget();
      this.plot = new uPlot(this.options(), data, this.body);
    } else {
      this.plot.setData(data);
    }
    this.fit();
  }

  options() {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
    const unit = this.chart.unit;
    return {
      width: Math.max(200, this.body.clientWidth), height: 200, cursor: { show: false }, legend: { show: false },
      padding: [null, 32, null, null],
      scales: {
        x: { range: () => [this.rows[0].second, this.rows[0].second + spanOf(this.rows)] },
        y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.05] },
      },
      axes: [
        { stroke: ink, grid, ticks: grid, size: 36, space: 90, incrs: TIME_STEPS_S, values: (_, ticks) => ticks.map(timeOf) },
        {
          stroke: ink, grid, ticks: grid, size: 72, ...(unit === "bytes" ? { incrs: BYTE_STEPS } : {}),
          values: (_, ticks) => ticks.map((value) => tick(unit, value)),
        },
      ],
      series: [{}, ...this.names.map((name, place) => ({
        label: titleOf(this.chart, name), stroke: colour(place), width: 2, dash: DASHES[Math.floor(place / COLOURS) % DASHES.length],
        points: { size: 4 },
      }))],
    };
  }

  fit() {
    const width = this.body.clientWidth;
    if (this.plot && width && this.plot.width !== width) this.plot.setSize({ width, height: 200 });
  }

  forget() {
    this.plot?.destroy();
    this.plot = undefined;
  }

  // Light became dark, or the other way round.
  recolour() {
    this.names = [];
    this.forget();
  }
}

// Green is well, red is down, and what lies between has a colour of its own; other words take what is left in turn.
const WORDS = {
  up: 2, writer: 2, reader: 0, standby: 7, "partly down": 1, down: 6, crashed: 6, hangs: 6, "cut off": 6, "asked to fail over": 3,
  "found failed": 1, fenced: 4, "taking over": 5, "takes writes, not published": 3,
};

function colourOf(word, place) {
  return WORDS[word] ?? place % COLOURS;
}

const SVG = "http://www.w3.org/2000/svg";

export class Strips extends Figure {
  constructor(chart) {
    super(chart);
    this.words = [];
  }

  // Each strip has its name and word above it.
  tell(others) {
    this.key.hidden = true;
    if (others) this.figures = this.names.map(() => element("b"));
    const last = this.rows.at(-1) ?? {};
    this.names.forEach((name, place) => { this.figures[place].textContent = figure(this.chart.unit, last[name]); });
  }

  picture(others) {
    const first = this.rows[0].second;
    const span = spanOf(this.rows);
    if (others) {
      this.strips = this.names.map((name) => {
        const svg = document.createElementNS(SVG, "svg");
        svg.setAttribute("preserveAspectRatio", "none");
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", `${titleOf(this.chart, name)} by time`);
        return svg;
      });
      this.root.classList.toggle("wide", this.names.length > 1);
      this.legend = element("ul", { className: "key" });
      this.times = element("p", { className: "times" });
      const strips = this.names.map((name, place) => element(
        "div", { className: "strip" }, `${titleOf(this.chart, name)} `, this.figures[place], this.strips[place],
      ));
      this.body.replaceChildren(element("div", { className: "strips" }, ...strips), this.times, this.legend);
    }
    this.times.textContent = `Each from ${timeOf(first)} to ${timeOf(first + span)}`;
    this.names.forEach((name, place) => this.strip(this.strips[place], name, first, span));
    this.legend.replaceChildren(...this.words.map((word, place) => {
      const mark = element("i", { className: `w${colourOf(word, place)}` });
      return element("li", {}, mark, word);
    }));
  }

  strip(svg, name, first, span) {
    svg.setAttribute("viewBox", `0 0 ${span} 1`);
    const parts = [];
    for (const row of this.rows) {
      const word = row[name];
      if (word === undefined || word === "") continue;
      if (!this.words.includes(word)) this.words.push(word);
      const last = parts.at(-1);
      if (last?.word === word && last.end === row.second) last.end += 1;
      else parts.push({ word, begin: row.second, end: row.second + 1 });
    }
    svg.replaceChildren(...parts.map(({ word, begin, end }) => {
      const box = document.createElementNS(SVG, "rect");
      box.setAttribute("x", begin - first);
      box.setAttribute("width", end - begin);
      box.setAttribute("height", 1);
      box.setAttribute("fill", "currentColor");
      box.setAttribute("class", `w${colourOf(word, this.words.indexOf(word))}`);
      const said = document.createElementNS(SVG, "title");
      said.textContent = `${word}, ${timeOf(begin)} to ${timeOf(end)}`;
      box.append(said);
      return box;
    }));
  }

  fit() {}

  forget() { this.words = []; }

  recolour() {}
}
