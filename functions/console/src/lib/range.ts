// The stretches of time that the overview offers, as times for the API and for the command.

const HOUR = 3_600_000;

// The name in the address, the hours before this one, and the size of a bucket.
export const RANGES = {
  '1d': { title: 'the last 24 hours', ago: 23, by: 'hour' },
  '3d': { title: 'the last 3 days', ago: 71, by: 'hour' },
  '7d': { title: 'the last 7 days', ago: 167, by: 'day' },
  '30d': { title: 'the last 30 days', ago: 719, by: 'day' },
} as const;
export type RangeName = keyof typeof RANGES;

// True for a name of a range; `constructor` is a member of every object, and no range.
export const isRange = (name: string | undefined): name is RangeName =>
  name !== undefined && Object.hasOwn(RANGES, name);

// The begin of a stretch, for the API and for the command.
export function beginOf(name: RangeName, now: Date): { time: string; option: string } {
  const { ago } = RANGES[name];
  return { time: new Date(now.getTime() - ago * HOUR).toISOString(), option: `${ago}h` };
}
