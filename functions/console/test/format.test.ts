// Texts of times and numbers, and the commands that pages show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command } from '../src/lib/command';
import { counted, lasted, percent, relative, utc } from '../src/lib/format';
import { digitGroups, keepsDigits } from '../src/lib/json';
import { beginOf, isRange, RANGES, type RangeName } from '../src/lib/range';
import { address, parse } from '../src/router';

test('a_duration_has_its_two_largest_units', () => {
  const texts = [0, 43, 999, 4000, 59_999, 60_000, 125_000, 3_600_000, 86_400_000 * 3 + 7_200_000];
  assert.deepEqual(texts.map(lasted), [
    '0 ms',
    '43 ms',
    '999 ms',
    '4.0 s',
    '59.9 s',
    '1 min',
    '2 min 5 s',
    '1 h',
    '3 d 2 h',
  ]);
});

test('a_distance_is_rounded_down_and_has_a_direction', () => {
  const now = new Date('2026-11-28T12:00:00Z');
  const at = (seconds: number) => new Date(now.getTime() + seconds * 1000);
  assert.equal(relative(at(7199), now), 'in 1 h 59 min');
  assert.equal(relative(at(-125), now), '2 min 5 s ago');
  assert.equal(relative(at(-1994), now), '33 min ago');
  assert.equal(relative(at(0), now), 'now');
});

test('a_share_below_the_whole_never_reads_as_the_whole', () => {
  assert.deepEqual([0, 0.0001, 0.995, 0.99999, 1].map(percent), [
    '0 %',
    '0.1 %',
    '99.5 %',
    '99.9 %',
    '100 %',
  ]);
});

test('a_time_in_utc_reads_as_on_the_receipt', () => {
  assert.equal(utc(new Date('2026-11-28T17:55:05.899Z')), '2026-11-28 17:55:05 UTC');
  assert.equal(counted(1, 'execution'), '1 execution');
  assert.equal(counted(1200, 'execution'), '1,200 executions');
});

test('a_command_quotes_what_a_shell_would_act_on', () => {
  const text = command(['cancel', '41c2'], { reason: "it's $(rm)", tenant: undefined, yes: true });
  assert.equal(text, "holdfast cancel 41c2 --reason 'it'\\''s $(rm)' --yes");
});

test('an_address_leads_back_to_its_parts', () => {
  const to = address(['executions', 'a/b?c'], { tenant: 'acme', subject: 'x & y#z', status: '' });
  assert.equal(to, '#/executions/a%2Fb%3Fc?tenant=acme&subject=x+%26+y%23z');
  const route = parse(to);
  assert.deepEqual(route.path, ['executions', 'a/b?c']);
  assert.deepEqual(route.query, { tenant: 'acme', subject: 'x & y#z' });
  assert.equal(route.tenant, 'acme');
  assert.deepEqual(parse('#/executions/%zz').path, ['executions', '%zz']);
});

test('a_number_that_a_browser_would_round_is_recognised', () => {
  const kept = ['0', '-1.50', '0.1', '1e3', '0.9975747776879547', '9007199254740992', '1E-7'];
  for (const text of kept) assert.ok(keepsDigits(text, Number(text)), text);
  const lost = ['9007199254740993', '0.12345678901234567891', '1e400', '123456789012345678'];
  for (const text of lost) assert.ok(!keepsDigits(text, Number(text)), text);
});

test('the_command_of_the_overview_asks_for_the_hours_that_the_page_asks_for', () => {
  const now = new Date('2026-11-29T07:30:00Z');
  const hour = 3_600_000;
  for (const name of Object.keys(RANGES) as RangeName[]) {
    const { time, option } = beginOf(name, now);
    assert.match(option, /^\d+h$/);
    assert.equal(now.getTime() - new Date(time).getTime(), Number.parseInt(option, 10) * hour);
  }
  // This hour and the 23 before it are 24 buckets.
  assert.equal(beginOf('1d', now).time.slice(0, 13), '2026-11-28T08');
});

test('long_whole_numbers_of_json_are_grouped_and_texts_and_fractions_are_not', () => {
  const value = { 'a "12345"': '67890', amount: 600000, id: -1234567, rate: 0.123456, days: 14 };
  const json = JSON.stringify(value);
  const parts = digitGroups(json);
  const grouped = parts.filter((part) => typeof part !== 'string');
  assert.deepEqual(grouped, [
    ['600', '000'],
    ['1', '234', '567'],
  ]);
  assert.equal(parts.flat().join(''), json);
});

test('only_the_name_of_a_range_is_one_whatever_an_address_says', () => {
  for (const name of Object.keys(RANGES)) assert.ok(isRange(name), name);
  for (const name of [undefined, '', 'zzz', 'constructor', '__proto__', 'toString']) {
    assert.ok(!isRange(name), name);
  }
});
