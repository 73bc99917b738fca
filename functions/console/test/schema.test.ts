// Forms from a JSON Schema.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyDraft, kindOf, problemsIn, read, type Schema } from '../src/lib/schema';

const PAYMENT: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['vendor', 'amount', 'lines'],
  properties: {
    vendor: { type: 'string', minLength: 2, pattern: '^[a-z]+$' },
    amount: { type: 'number', exclusiveMinimum: 0, maximum: 1000 },
    days: { type: 'integer', minimum: 1 },
    urgent: { type: 'boolean' },
    currency: { enum: ['EUR', 'USD'] },
    when: { type: 'string', format: 'date' },
    contact: {
      type: 'object',
      required: ['mail'],
      properties: { mail: { type: 'string', format: 'email' }, phone: { type: 'string' } },
    },
    lines: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { $ref: '#/$defs/line' },
    },
    extra: {},
  },
  $defs: { line: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } },
};

const typed = (draft: Record<string, unknown>) => {
  const whole = { ...(emptyDraft(PAYMENT, PAYMENT) as object), ...draft };
  return read(PAYMENT, PAYMENT, whole as never);
};
const places = (draft: Record<string, unknown>) =>
  typed(draft).problems.map(({ pointer, message }) => `${pointer} ${message}`);

const GOOD = { vendor: 'acme', amount: '12.50', lines: [{ id: 'a' }] };

test('what_is_not_typed_is_left_out', () => {
  assert.deepEqual(typed(GOOD), {
    value: { vendor: 'acme', amount: 12.5, lines: [{ id: 'a' }] },
    problems: [],
  });
});

test('each_problem_is_named_at_its_field', () => {
  const wrong = {
    vendor: 'A',
    amount: '0',
    days: '1.5',
    when: 'tomorrow',
    contact: { mail: '', phone: '12' },
    lines: [{ id: '' }, { id: 'b' }, { id: 'b' }],
    extra: '{',
  };
  assert.deepEqual(places(wrong), [
    '/vendor must have at least 2 characters',
    '/vendor must match ^[a-z]+$',
    '/amount must be more than 0',
    '/lines must have no entry twice',
    '/lines/0/id is required',
    '/days must be a whole number',
    '/when must be a date, such as 2026-11-28',
    '/contact/mail is required',
    '/extra must be JSON, such as "text", 12, [1, 2] or {"a": 1}',
  ]);
});

test('a_number_is_a_number_of_json_and_keeps_its_digits', () => {
  const first = (amount: string) => places({ ...GOOD, amount })[0];
  for (const text of ['twelve', '0x10', '1,5', '.5', '01', 'NaN']) {
    assert.equal(first(text), '/amount must be a number, such as 12', text);
  }
  assert.match(first('0.12345678901234567891') ?? '', /more digits than a browser keeps/);
  assert.equal(first('0.1'), undefined);
  const large = read({}, { type: 'integer' }, '9007199254740993');
  assert.match(large.problems[0]?.message ?? '', /more digits/);
  assert.deepEqual(read({}, { type: 'integer' }, '9007199254740992').value, 9007199254740992);
});

test('choices_and_switches_keep_their_types', () => {
  const value = typed({ ...GOOD, currency: '1', urgent: 'false', extra: '[1]' }).value;
  assert.deepEqual(value, {
    vendor: 'acme',
    amount: 12.5,
    lines: [{ id: 'a' }],
    urgent: false,
    currency: 'USD',
    extra: [1],
  });
});

test('an_optional_group_counts_from_its_first_value_on', () => {
  assert.deepEqual(places({ ...GOOD, contact: { mail: '', phone: '' } }), []);
  assert.deepEqual(places({ ...GOOD, contact: { mail: '', phone: '1' } }), [
    '/contact/mail is required',
  ]);
});

test('a_list_begins_with_as_many_entries_as_it_must_have', () => {
  assert.deepEqual((emptyDraft(PAYMENT, PAYMENT) as { lines: unknown }).lines, [{ id: '' }]);
});

test('a_part_that_no_field_can_show_is_typed_as_json', () => {
  const kinds: Array<[Schema, string]> = [
    [{}, 'json'],
    [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, 'json'],
    [{ type: ['string', 'null'] }, 'text'],
    [{ type: 'object' }, 'json'],
    [{ type: 'array', items: { type: 'string' } }, 'list'],
    [{ const: 3 }, 'fixed'],
  ];
  for (const [schema, kind] of kinds)
    assert.equal(kindOf({}, schema), kind, JSON.stringify(schema));
});

test('a_schema_that_contains_itself_ends_in_json', () => {
  const tree: Schema = {
    type: 'object',
    properties: { child: { $ref: '#' } },
  };
  assert.doesNotThrow(() => emptyDraft(tree, tree));
  assert.equal(kindOf(tree, tree, 6), 'json');
});

test('length_counts_characters_and_not_units', () => {
  assert.deepEqual(read({}, { type: 'string', maxLength: 1 }, '😀').problems, []);
});

test('a_member_named_proto_is_a_member_like_any_other', () => {
  const schema: Schema = JSON.parse(
    '{"type":"object","properties":{"__proto__":{"type":"string"},"a":{"type":"string"}}}',
  );
  const draft = JSON.parse('{"__proto__":"x","a":"y"}');
  assert.equal(JSON.stringify(read(schema, schema, draft).value), '{"__proto__":"x","a":"y"}');
});

test('problems_of_the_api_are_shown_at_their_fields', () => {
  assert.deepEqual(
    problemsIn(['input/lines/0: "id" is a required property', 'the key is too long']),
    [
      { pointer: '/lines/0', message: '"id" is a required property' },
      { pointer: '', message: 'the key is too long' },
    ],
  );
});
