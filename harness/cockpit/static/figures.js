// How values are written: as harness/cockpit/shown.py does on Locust's page.

export function titleOf(chart, name) {
  const [base, of] = split(name);
  return [chart.values[base], of].filter(Boolean).join(", ");
}

export function split(name) {
  const at = name.indexOf("|");
  return at < 0 ? [name, ""] : [name.slice(0, at), name.slice(at + 1)];
}

// Three significant digits, and whole numbers as they are: 0.35 ms doesn't become 0.
function digits(value) {
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

function bytes(value) {
  for (const unit of ["B", "KiB", "MiB"]) {
    if (Math.abs(value) < 1024) return `${digits(value)} ${unit}`;
    value /= 1024;
  }
  return `${digits(value)} GiB`;
}

export function figure(unit, value, number = digits) {
  if (value === null || value === undefined) return "—";
  switch (unit) {
    case "word": return value === "" ? "no" : value;
    case "share": return `${number(100 * value)} %`;
    case "ms": return `${number(value)} ms`;
    case "bytes": return bytes(value);
    case "ms_per_s": return `${number(value)} ms/s`;
    case "per_s": return `${number(value)}/s`;
    default: return number(value);
  }
}

// On an axis, where there is little room: 12,000,000 is 12M.
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export function tick(unit, value) {
  return figure(unit, value, Math.abs(value) < 100_000 ? digits : SHORT.format);
}
