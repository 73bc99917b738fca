// The axis of numbers of a chart: round marks from zero to above the largest value.

import { roundStep } from './scale';

export interface Axis {
  readonly most: number;
  readonly marks: readonly number[];
}

// An axis from zero, with about four marks: whole numbers, or round times in milliseconds.
export function axisOf(values: readonly number[], of: 'numbers' | 'times'): Axis {
  const largest = Math.max(0, ...values);
  if (largest === 0) return { most: 1, marks: [0, 1] };
  const step = of === 'times' ? roundStep(largest / 4) : roundNumber(largest / 4);
  const count = Math.ceil(largest / step - 1e-9);
  return { most: count * step, marks: Array.from({ length: count + 1 }, (_, n) => n * step) };
}

function roundNumber(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const round = [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= least);
  return Math.max(1, Math.round(round ?? least));
}

// The runs of neighbours that have a value; a missing value is a gap between two runs.
export function runs<T>(values: ReadonlyArray<T | null>): Array<Array<readonly [number, T]>> {
  const all: Array<Array<readonly [number, T]>> = [];
  let open = false;
  values.forEach((value, n) => {
    if (value === null) {
      open = false;
      return;
    }
    if (!open) all.push([]);
    open = true;
    all.at(-1)?.push([n, value]);
  });
  return all;
}

// The places of at most `most` labels among `count` buckets, evenly spaced from the first.
export function labelled(count: number, most: number): number[] {
  const every = Math.max(1, Math.ceil(count / most));
  return Array.from({ length: Math.ceil(count / every) }, (_, n) => n * every);
}
