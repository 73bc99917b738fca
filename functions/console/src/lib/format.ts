// Times, durations and numbers as texts for people.

const pad = (number: number, digits = 2) => String(number).padStart(digits, '0');

// A time in UTC, as the receipt shows it: `2026-11-28 17:55:05 UTC`.
export function utc(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

// A time in the reader's zone: `2026-11-28 18:55:05`.
export function local(at: Date): string {
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

// The zone's offset now: `UTC+01:00`.
export function zone(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

const UNITS: ReadonlyArray<readonly [number, string]> = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

// A duration in its two largest units: `43 ms`, `4.0 s`, `2 min 5 s`, `3 d 2 h`.
export function lasted(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const [at] = UNITS.map(([size], n) => [size, n] as const).filter(([size]) => ms >= size);
  const [size, n] = at ?? [60_000, 2];
  const [, unit = 'min'] = UNITS[n] ?? [];
  const rest = ms % size;
  const [smaller, name] = UNITS[n + 1] ?? [1000, 's'];
  const more = Math.floor(rest / smaller);
  return `${Math.floor(ms / size)} ${unit}${more > 0 ? ` ${more} ${name}` : ''}`;
}

// The time between two instants in words, rounded down: `in 3 h 20 min`, `2 min 5 s ago`. Beyond
// ten minutes, seconds say nothing.
export function relative(at: Date, now: Date): string {
  const ms = at.getTime() - now.getTime();
  if (Math.abs(ms) < 1000) return 'now';
  const unit = Math.abs(ms) < 600_000 ? 1000 : 60_000;
  const whole = Math.floor(Math.abs(ms) / unit) * unit;
  const text = lasted(whole).replace(/\.0 s$/, ' s');
  return ms > 0 ? `in ${text}` : `${text} ago`;
}

// A number of open executions, of which more may exist.
export const openExecutions = (count: number, more: boolean | undefined): string =>
  `${more ? 'at least ' : ''}${counted(count, 'open execution')}`;

// The time since the start, in front of an event of a story: `+2.3 s`. Empty for
// an event before the start.
export function offset(from: string, at: string): string {
  const ms = Date.parse(at) - Date.parse(from);
  return Number.isFinite(ms) && ms >= 0 ? `+${lasted(ms)}` : '';
}

export function counted(number: number, noun: string, plural = `${noun}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? noun : plural}`;
}

// A share as a percentage: `99.5 %`. Anything below the whole never reads as 100.
export function percent(share: number): string {
  const rounded = Math.round(share * 1000) / 10;
  const shown = share < 1 && rounded === 100 ? 99.9 : share > 0 && rounded === 0 ? 0.1 : rounded;
  return `${shown} %`;
}

// A digest or an id, shortened for a table; the whole is shown on the resource's page.
export function short(id: string): string {
  return id.length > 12 ? `${id.slice(0, 10)}…` : id;
}
