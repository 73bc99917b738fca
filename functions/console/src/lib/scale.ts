// The timeline's scale, as on the receipt: one scale for the whole timeline, except for long idle
// stretches, which are cut out and marked.
import { lasted } from './format';

// The width of a stretch that is cut out, in percent of the timeline's width.
export const CUT_WIDTH = 9;
// The most stretches that are cut out.
const CUTS = 4;
// The shortest stretch that is cut out, in milliseconds.
const CUT_FROM = 60_000;

// A stretch of time, in milliseconds since the epoch.
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface TimeMark {
  // The place, in percent of the width.
  readonly at: number;
  readonly text: string;
}

export interface Cut {
  readonly at: number;
  readonly width: number;
  readonly text: string;
}

export interface Scale {
  at: (moment: number) => number;
  cuts: readonly Cut[];
  marks: readonly TimeMark[];
}

const length = (span: Span) => span.to - span.from;

// The scale of the stretch `whole`, in which the stretches `busy` are not idle.
export function scaleOf(whole: Span, busy: readonly Span[]): Scale {
  const cuts = chosen(whole, busy);
  const drawn = length(whole) - cuts.reduce((sum, cut) => sum + length(cut), 0);
  const perMs = (100 - CUT_WIDTH * cuts.length) / Math.max(1, drawn);
  const at = (moment: number) => place(moment, whole, cuts, perMs);
  return {
    at,
    cuts: cuts.map((cut) => ({ at: at(cut.from), width: CUT_WIDTH, text: lasted(length(cut)) })),
    marks: marksOf(whole, cuts, perMs, at),
  };
}

// The longest idle stretches, as far as each is much longer than the rest of the timeline.
function chosen(whole: Span, busy: readonly Span[]): Span[] {
  const gaps = idle(whole, busy).sort((a, b) => length(b) - length(a));
  const cuts: Span[] = [];
  let drawn = length(whole);
  for (const gap of gaps.slice(0, CUTS)) {
    const rest = drawn - length(gap);
    if (length(gap) < CUT_FROM || length(gap) < 4 * rest) break;
    drawn = rest;
    cuts.push(gap);
  }
  return cuts.sort((a, b) => a.from - b.from);
}

function idle(whole: Span, busy: readonly Span[]): Span[] {
  const gaps: Span[] = [];
  let since = whole.from;
  const sorted = [...busy].sort((a, b) => a.from - b.from);
  for (const span of [...sorted, { from: whole.to, to: whole.to }]) {
    if (span.from > since) gaps.push({ from: since, to: span.from });
    since = Math.max(since, span.to);
  }
  return gaps;
}

function place(moment: number, whole: Span, cuts: readonly Span[], perMs: number): number {
  const until = Math.min(Math.max(moment, whole.from), whole.to);
  let at = 0;
  let since = whole.from;
  for (const cut of cuts.filter((each) => each.from < until)) {
    at += (cut.from - since) * perMs;
    since = Math.min(cut.to, until);
    at += (CUT_WIDTH * (since - cut.from)) / Math.max(1, length(cut));
  }
  return at + (until - since) * perMs;
}

// Marks at round times since the start, outside the cuts and not too close to one another.
function marksOf(
  whole: Span,
  cuts: readonly Span[],
  perMs: number,
  at: (moment: number) => number,
): TimeMark[] {
  const step = roundStep((100 - CUT_WIDTH * cuts.length) / perMs / 5);
  const marks: TimeMark[] = [];
  const stretches = [whole.from, ...cuts.map((cut) => cut.to)].map((from, n) => ({
    from: from - whole.from,
    to: (cuts[n]?.from ?? whole.to) - whole.from,
  }));
  for (const { from, to } of stretches) {
    for (let offset = Math.ceil(from / step) * step; offset <= to; offset += step) {
      const mark = { at: at(whole.from + offset), text: offset === 0 ? '0' : lasted(offset) };
      const last = marks.at(-1);
      if (mark.at <= 89 && (!last || mark.at - last.at >= 11)) marks.push(mark);
    }
  }
  return marks;
}

// The width of a character of a label, and the space between two labels, in pixels.
const CHARACTER = 6.2;
const SPACE = 8;

export interface AxisLabel {
  readonly text: string;
  // The left end in pixels, and the row, from 0.
  readonly x: number;
  readonly row: number;
  // True of the length of a cut.
  readonly cut: boolean;
}

// The labels of an axis of `width` pixels, none of which overlaps another. The length of each cut
// is shown, in a further row if need be. A mark without room in the first row has its line alone.
export function labelsOf({ cuts, marks }: Scale, width: number): AxisLabel[] {
  const labels: AxisLabel[] = [];
  const widthOf = (text: string) => text.length * CHARACTER;
  const isFree = (x: number, row: number, text: string) =>
    labels.every(
      (other) =>
        other.row !== row ||
        x + widthOf(text) + SPACE <= other.x ||
        other.x + widthOf(other.text) + SPACE <= x,
    );
  for (const { at, width: share, text } of cuts) {
    const middle = ((at + share / 2) / 100) * width;
    const x = Math.max(0, Math.min(middle - widthOf(text) / 2, width - widthOf(text)));
    let row = 0;
    while (!isFree(x, row, text)) row += 1;
    labels.push({ text, x, row, cut: true });
  }
  for (const { at, text } of marks) {
    const x = (at / 100) * width;
    if (x + widthOf(text) <= width && isFree(x, 0, text))
      labels.push({ text, x, row: 0, cut: false });
  }
  return labels;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 10, 100, 1000, 10_000].flatMap((unit) => [unit, 2 * unit, 5 * unit]),
  ...[1, 2, 5, 10, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 6, 12, 24].map((hours) => hours * HOUR),
];

// The smallest round number of milliseconds that is at least `minimum`.
export function roundStep(minimum: number): number {
  return STEPS.find((step) => step >= minimum) ?? DAY * Math.ceil(minimum / DAY);
}
