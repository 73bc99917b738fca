// The checks of single values against a JSON Schema. The API checks again, with every keyword.
import { keepsDigits } from './json';
import type { Schema } from './schema';

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;

// A JSON number, and nothing else that JavaScript reads as one.
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

export function checkNumber(
  schema: Schema,
  text: string,
  integer: boolean,
): { value: unknown; messages: string[] } {
  if (!JSON_NUMBER.test(text)) {
    return {
      value: undefined,
      messages: [`must be a ${integer ? 'whole ' : ''}number, such as 12`],
    };
  }
  const value = Number(text);
  if (!keepsDigits(text, value)) {
    return {
      value: undefined,
      messages: ['has more digits than a browser keeps; start it with the command'],
    };
  }
  const messages: string[] = [];
  const say = (wrong: boolean, message: string) => wrong && messages.push(message);
  const [least, most] = [numberOf(schema.minimum), numberOf(schema.maximum)];
  const [above, below] = [numberOf(schema.exclusiveMinimum), numberOf(schema.exclusiveMaximum)];
  const multiple = numberOf(schema.multipleOf);
  say(integer && !Number.isInteger(value), 'must be a whole number');
  say(least !== undefined && value < least, `must be at least ${least}`);
  say(most !== undefined && value > most, `must be at most ${most}`);
  say(above !== undefined && value <= above, `must be more than ${above}`);
  say(below !== undefined && value >= below, `must be less than ${below}`);
  say(multiple !== undefined && !isMultiple(value, multiple), `must be a multiple of ${multiple}`);
  return { value, messages };
}

function isMultiple(value: number, of: number): boolean {
  const ratio = value / of;
  return Math.abs(ratio - Math.round(ratio)) < 1e-9 * Math.max(1, Math.abs(ratio));
}

const FORMATS: Readonly<Record<string, readonly [RegExp, string]>> = {
  date: [/^\d{4}-\d\d-\d\d$/, 'must be a date, such as 2026-11-28'],
  'date-time': [
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/,
    'must be a time with its zone, such as 2026-11-28T12:00:00Z',
  ],
  time: [/^\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/, 'must be a time, such as 12:00:00Z'],
  email: [/^[^\s@]+@[^\s@]+$/, 'must be an address, such as ann@example.com'],
  uuid: [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be a UUID'],
};

export function checkText(schema: Schema, text: string): string[] {
  const messages: string[] = [];
  // JSON Schema counts characters, not the units of UTF-16.
  const length = [...text].length;
  const [least, most] = [numberOf(schema.minLength), numberOf(schema.maxLength)];
  if (least !== undefined && length < least)
    messages.push(`must have at least ${least} characters`);
  if (most !== undefined && length > most) messages.push(`must have at most ${most} characters`);
  const pattern = typeof schema.pattern === 'string' ? compiled(schema.pattern) : undefined;
  if (pattern && !pattern.test(text)) messages.push(`must match ${schema.pattern}`);
  const [format, message] = FORMATS[String(schema.format)] ?? [];
  if (format && message && !format.test(text)) messages.push(message);
  return messages;
}

// A pattern that this browser cannot read is left to the API.
function compiled(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return undefined;
  }
}

export function checkList(schema: Schema, value: readonly unknown[]): string[] {
  const messages: string[] = [];
  const [least, most] = [numberOf(schema.minItems), numberOf(schema.maxItems)];
  if (least !== undefined && value.length < least)
    messages.push(`must have at least ${least} entries`);
  if (most !== undefined && value.length > most) messages.push(`must have at most ${most} entries`);
  const texts = value.map((entry) => JSON.stringify(entry));
  if (schema.uniqueItems === true && new Set(texts).size < texts.length) {
    messages.push('must have no entry twice');
  }
  return messages;
}
