// Sliders and numbers: a slider has STEPS places, spread evenly on the scale of what it moves.

export const STEPS = 1000;

const logit = (share) => Math.log(share / (1 - share));
const onScale = {
  log: [Math.log, Math.exp],
  logit: [logit, (place) => 1 / (1 + Math.exp(-place))],
  linear: [(value) => value, (place) => place],
};

export function toPlace(range, value) {
  const [there] = onScale[range.scale];
  const kept = Math.min(Math.max(value, range.low), range.high);
  const share = (there(kept) - there(range.low)) / (there(range.high) - there(range.low));
  return Number.isFinite(share) ? Math.round(share * STEPS) : 0;
}

export function toValue(range, place) {
  const [there, back] = onScale[range.scale];
  if (place <= 0) return range.low;
  if (place >= STEPS) return range.high;
  const value = back(there(range.low) + (there(range.high) - there(range.low)) * (place / STEPS));
  return Number(value.toPrecision(4)); // what is copied as a command is what is shown
}

export function print(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return Number(value.toPrecision(digits)).toExponential().replace("e+", "e");
  return String(Number(value.toPrecision(digits)));
}

function printShare(value) {
  if (value > 0 && value < 0.0005) return "<0.1 %";
  return `${(100 * value).toFixed(1)} %`;
}

export function printNumber(statistic, value) {
  if (value === null || value === undefined) return "–";
  if (statistic === "response_rate" || statistic === "control_rate" || statistic === "survival") return printShare(value);
  if (statistic === "deaths" || statistic === "events") return String(Math.round(value));
  if (statistic === "median") return value.toFixed(1);
  if (statistic === "hazard_ratio") return value.toFixed(2);
  return print(value);
}
