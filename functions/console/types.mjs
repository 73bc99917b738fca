// Writes the types of the API from docs/openapi.json, and the roles' permissions from the table of
// docs/roles.md. Exports the texts, so that the check can compare them.
import { readFileSync } from 'node:fs';

const docs = new URL('../../docs/', import.meta.url);

// The TypeScript type of a JSON Schema.
function typeOf(schema) {
  if (typeof schema === 'boolean' || Object.keys(schema).length === 0) return 'unknown';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const types = [schema.type ?? []].flat();
  const nullable = types.includes('null') ? ' | null' : '';
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ') + nullable;
  const plain = types.filter((type) => type !== 'null').map((type) => single(type, schema));
  if (plain.length) return plain.join(' | ') + nullable;
  return nullable ? 'null' : 'unknown';
}

function single(type, schema) {
  switch (type) {
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `Array<${typeOf(schema.items ?? {})}>`;
    case 'object':
      return schema.properties ? `{\n${members(schema)}}` : `Record<string, ${values(schema)}>`;
    default:
      return type;
  }
}

function values(schema) {
  return typeof schema.additionalProperties === 'object'
    ? typeOf(schema.additionalProperties)
    : 'unknown';
}

function members(schema) {
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties ?? {}).map(
    ([name, member]) => `  ${name}${required.has(name) ? '' : '?'}: ${typeOf(member)};\n`,
  );
  return lines.join('');
}

function declaration(name, schema) {
  return schema.properties
    ? `export interface ${name} {\n${members(schema)}}\n`
    : `export type ${name} = ${typeOf(schema)};\n`;
}

export function apiTypes() {
  const document = JSON.parse(readFileSync(new URL('openapi.json', docs), 'utf8'));
  const schemas = Object.entries(document.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  const declared = schemas.map(([name, schema]) => declaration(name, schema));
  return `// The types of the API. Made by types.mjs from docs/openapi.json.\n\n${declared.join('\n')}`;
}

export function roles() {
  const text = readFileSync(new URL('roles.md', docs), 'utf8');
  const table = text.split('<!-- table -->')[1].split('<!-- /table -->')[0];
  const rows = table.trim().split('\n');
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const [[, ...names], , ...operations] = cells;
  const rights = operations.map(([operation, ...each]) => [
    operation,
    Object.fromEntries(each.map((right, n) => [names[n], right])),
  ]);
  return [
    '// The permissions of each role. Made by types.mjs from the table of docs/roles.md.',
    '',
    `export const ROLES = ${JSON.stringify(names)} as const;`,
    '',
    `export const RIGHTS = ${JSON.stringify(Object.fromEntries(rights), null, 2)} as const;`,
    '',
  ].join('\n');
}
