// JSON whose numbers keep every digit, as far as the browser can.

// The members of JSON that newer browsers have; `source` is the text of a number.
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context?: { source?: string }) => unknown,
  ): unknown;
  rawJSON?: (text: string) => unknown;
}

const exact = JSON as unknown as ExactJson;

// The significant digits of a number's text.
function digits(text: string): string {
  return text
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '');
}

// True if a number of JavaScript has every digit of the text.
export function keepsDigits(text: string, value: number): boolean {
  return Number.isFinite(value) && digits(text) === digits(String(value));
}

// Parses JSON. A number that would lose digits stays a text, which `JSON.stringify` writes as it
// was.
export function parseExactly(text: string): unknown {
  const { rawJSON } = exact;
  if (!rawJSON) return JSON.parse(text);
  return exact.parse(text, (_, value, context) => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined) return value;
    return keepsDigits(source, value) ? value : rawJSON(source);
  });
}

// Longest JSON, in characters, whose numbers are grouped: each group is an element of the page.
const GROUPED_MAX = 20_000;

// A string of JSON, or the whole part of a number of five digits or more.
const STRINGS_AND_LONG_NUMBERS = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+])\d{5,}/g;

// The parts of a text of JSON. The whole part of a long number is a list of groups of three
// digits, so that a reader tells 600000 from 60000.
export function digitGroups(json: string): Array<string | string[]> {
  if (json.length > GROUPED_MAX) return [json];
  const parts: Array<string | string[]> = [];
  let end = 0;
  for (const found of json.matchAll(STRINGS_AND_LONG_NUMBERS)) {
    const [text] = found;
    if (text.startsWith('"')) continue;
    parts.push(json.slice(end, found.index), text.split(/(?=(?:\d{3})+$)/));
    end = found.index + text.length;
  }
  parts.push(json.slice(end));
  return parts;
}
