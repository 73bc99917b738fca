// Forms from a JSON Schema: the kind of field of each part, what a reader typed as a value, and
// every problem with its place.
import { checkList, checkNumber, checkText } from './checks';

export type Schema = Readonly<Record<string, unknown>>;

// A problem of one field, by the JSON pointer of its value.
export interface FieldProblem {
  readonly pointer: string;
  readonly message: string;
}

// What a reader typed: a text for a single value, and the same of each entry or member.
export type Draft = string | Draft[] | { [name: string]: Draft };

export type Kind = 'text' | 'number' | 'boolean' | 'choice' | 'fixed' | 'group' | 'list' | 'json';

// The deepest level that has fields of its own; deeper parts are typed as JSON.
const DEEPEST = 6;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const asSchema = (value: unknown): Schema => (isObject(value) ? value : {});

// The part of the whole schema that a reference names.
export function resolve(root: Schema, schema: Schema): Schema {
  let found = schema;
  for (let hops = 0; typeof found.$ref === 'string' && hops < 20; hops += 1) {
    const parts = found.$ref.replace(/^#\/?/, '').split('/').filter(Boolean);
    const unescaped = parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const { $ref: _, ...beside } = found;
    const target = unescaped.reduce<unknown>((at, part) => asSchema(at)[part], root);
    found = { ...asSchema(target), ...beside };
  }
  return found;
}

// The one type of a schema, without `null`.
function typeOf(schema: Schema): string | undefined {
  const types = [schema.type].flat().filter((type) => typeof type === 'string' && type !== 'null');
  return types.length === 1 ? (types[0] as string) : undefined;
}

const nullable = (schema: Schema) => [schema.type].flat().includes('null');

export function kindOf(root: Schema, given: Schema, depth = 0): Kind {
  const schema = resolve(root, given);
  if ('const' in schema) return 'fixed';
  if (Array.isArray(schema.enum)) return 'choice';
  switch (typeOf(schema)) {
    case 'string':
      return 'text';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'object':
      return isObject(schema.properties) && depth < DEEPEST ? 'group' : 'json';
    case 'array':
      return isObject(schema.items) && depth < DEEPEST && schema.prefixItems === undefined
        ? 'list'
        : 'json';
    default:
      return 'json';
  }
}

// The members of an object with their schemas, the required ones first.
export function membersOf(
  schema: Schema,
): Array<{ name: string; schema: Schema; required: boolean }> {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const all = Object.entries(asSchema(schema.properties)).map(([name, member]) => ({
    name,
    schema: asSchema(member),
    required: required.has(name),
  }));
  return [...all.filter((each) => each.required), ...all.filter((each) => !each.required)];
}

// The draft before anything is typed: defaults, and as many entries as a list must have.
export function emptyDraft(root: Schema, given: Schema, depth = 0): Draft {
  const schema = resolve(root, given);
  const fallback = schema.default;
  switch (kindOf(root, given, depth)) {
    case 'group': {
      const members = membersOf(schema).map(
        (member) => [member.name, emptyDraft(root, member.schema, depth + 1)] as const,
      );
      return Object.fromEntries(members);
    }
    case 'list': {
      const least = typeof schema.minItems === 'number' ? Math.min(schema.minItems, 20) : 0;
      return Array.from({ length: least }, () =>
        emptyDraft(root, asSchema(schema.items), depth + 1),
      );
    }
    case 'choice': {
      const place = (schema.enum as unknown[]).indexOf(fallback);
      return place < 0 ? '' : String(place);
    }
    case 'json':
      return fallback === undefined ? '' : JSON.stringify(fallback, null, 2);
    default:
      return fallback === undefined || fallback === null ? '' : String(fallback);
  }
}

export interface Reading {
  // Undefined if the value is left out.
  value: unknown;
  problems: FieldProblem[];
}

// Reads a draft. Nothing typed means that an optional value is left out.
export function read(
  root: Schema,
  given: Schema,
  draft: Draft | undefined,
  required = true,
  pointer = '',
  depth = 0,
): Reading {
  const schema = resolve(root, given);
  switch (kindOf(root, given, depth)) {
    case 'group':
      return readGroup(root, schema, draft, required, pointer, depth);
    case 'list':
      return readList(root, schema, draft, required, pointer, depth);
    case 'fixed':
      return { value: required ? schema.const : undefined, problems: [] };
    default:
      return readSingle(
        root,
        schema,
        typeof draft === 'string' ? draft : '',
        required,
        pointer,
        depth,
      );
  }
}

function readGroup(
  root: Schema,
  schema: Schema,
  draft: Draft | undefined,
  required: boolean,
  pointer: string,
  depth: number,
): Reading {
  const drafts = isObject(draft) ? (draft as Record<string, Draft>) : {};
  const value: Record<string, unknown> = {};
  const problems: FieldProblem[] = [];
  for (const member of membersOf(schema)) {
    const place = `${pointer}/${escaped(member.name)}`;
    const own = read(root, member.schema, drafts[member.name], member.required, place, depth + 1);
    if (own.value !== undefined) define(value, member.name, own.value);
    problems.push(...own.problems);
  }
  const untouched = Object.values(drafts).every(isEmpty);
  if (!required && untouched) return { value: undefined, problems: [] };
  return { value, problems };
}

// A member's own property, also of the name `__proto__`.
function define(value: Record<string, unknown>, name: string, member: unknown): void {
  Object.defineProperty(value, name, { value: member, enumerable: true, writable: true });
}

function isEmpty(draft: Draft): boolean {
  if (typeof draft === 'string') return draft.trim() === '';
  return Object.values(draft).every(isEmpty);
}

function readList(
  root: Schema,
  schema: Schema,
  draft: Draft | undefined,
  required: boolean,
  pointer: string,
  depth: number,
): Reading {
  const drafts = Array.isArray(draft) ? draft : [];
  if (!required && drafts.length === 0) return { value: undefined, problems: [] };
  const each = drafts.map((entry, n) =>
    read(root, asSchema(schema.items), entry, true, `${pointer}/${n}`, depth + 1),
  );
  const value = each.map((entry) => entry.value);
  const problems = each.flatMap((entry) => entry.problems);
  const own = checkList(schema, value).map((message) => ({ pointer, message }));
  return { value, problems: [...own, ...problems] };
}

function readSingle(
  root: Schema,
  schema: Schema,
  text: string,
  required: boolean,
  pointer: string,
  depth: number,
): Reading {
  if (text.trim() === '') {
    if (!required) return { value: undefined, problems: [] };
    if (nullable(schema)) return { value: null, problems: [] };
    return { value: undefined, problems: [{ pointer, message: 'is required' }] };
  }
  const { value, messages } = single(kindOf(root, schema, depth), schema, text);
  return { value, problems: messages.map((message) => ({ pointer, message })) };
}

function single(kind: Kind, schema: Schema, text: string): { value: unknown; messages: string[] } {
  switch (kind) {
    case 'number':
      return checkNumber(schema, text.trim(), typeOf(schema) === 'integer');
    case 'boolean':
      return { value: text === 'true', messages: [] };
    case 'choice':
      return { value: (schema.enum as unknown[])[Number(text)], messages: [] };
    case 'json':
      try {
        return { value: JSON.parse(text), messages: [] };
      } catch {
        return {
          value: undefined,
          messages: ['must be JSON, such as "text", 12, [1, 2] or {"a": 1}'],
        };
      }
    default:
      return { value: text, messages: checkText(schema, text) };
  }
}

const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');

// The problems that the API names in texts: `input/amount: 0 is less than 1`.
export function problemsIn(errors: readonly string[]): FieldProblem[] {
  return errors.map((error) => {
    const [, pointer = '', message = error] =
      /^input((?:\/[^\s:]*)?): ([\s\S]*)$/.exec(error) ?? [];
    return { pointer, message };
  });
}
