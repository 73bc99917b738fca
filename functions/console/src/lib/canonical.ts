// Canonical JSON (RFC 8785), and the differences between two values.

// A JSON value as its canonical text. Numbers and texts are written as ECMAScript writes them,
// which is what RFC 8785 prescribes; members are sorted by UTF-16 code units.
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

export interface Difference {
  // The member, such as `steps[1].status`.
  at: string;
  // Both values as short texts; undefined where the member is missing.
  here: string | undefined;
  there: string | undefined;
}

// The longest text of a value, and the most differences.
const LONGEST = 120;
const MOST = 20;

// The first members in which two values differ.
export function differences(here: unknown, there: unknown): Difference[] {
  const found: Difference[] = [];
  compare('', here, there, found);
  return found.slice(0, MOST);
}

function compare(at: string, here: unknown, there: unknown, found: Difference[]): void {
  if (found.length > MOST || Object.is(here, there)) return;
  if (isObject(here) && isObject(there) && Array.isArray(here) === Array.isArray(there)) {
    const names = new Set([...Object.keys(here), ...Object.keys(there)]);
    for (const name of [...names].sort()) {
      const place = Array.isArray(here) ? `${at}[${name}]` : at ? `${at}.${name}` : name;
      compare(place, own(here, name), own(there, name), found);
    }
    return;
  }
  found.push({ at: at || 'the whole file', here: shown(here), there: shown(there) });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

// A member of the value itself: a file may name one `__proto__`.
function own(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function shown(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
