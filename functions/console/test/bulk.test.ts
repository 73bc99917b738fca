// The report of a bulk: the sentence of each status, and the order of its executions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BulkReportItem } from '../src/api/types';
import { canStop, isOver, refusedFirst, statusSentence } from '../src/lib/bulk';

test('each_status_of_a_bulk_has_its_sentence_and_names_who_stopped_it', () => {
  const sentence = (status: string, stopped_by: string | null = null) =>
    statusSentence({ status, stopped_by });
  assert.equal(sentence('SHOWN'), 'Nothing is requested yet');
  assert.equal(sentence('RUNNING'), 'Requests are made');
  assert.equal(sentence('STOPPING', 'ann'), 'It is being stopped by ann');
  assert.equal(sentence('STOPPED', 'ann'), 'It was stopped by ann');
  assert.equal(sentence('DONE'), 'All requests are made');
  assert.equal(sentence('OF_TOMORROW'), 'OF_TOMORROW');
});

test('a_bulk_can_be_stopped_while_it_runs_and_is_followed_until_it_is_over', () => {
  const all = ['SHOWN', 'RUNNING', 'STOPPING', 'STOPPED', 'DONE'];
  const ann = { role: 'approver', subject: 'ann' };
  assert.deepEqual(
    all.filter((status) => canStop({ status, by: 'ann' }, ann)),
    ['RUNNING'],
  );
  assert.deepEqual(all.filter(isOver), ['STOPPED', 'DONE']);
});

test('a_bulk_is_stopped_by_the_person_who_requested_it_or_by_a_platform_admin', () => {
  const stops = (role: string, subject: string) =>
    canStop({ status: 'RUNNING', by: 'ann' }, { role, subject });
  assert.equal(stops('tenant-admin', 'ann'), true);
  assert.equal(stops('platform-admin', 'bob'), true);
  assert.equal(stops('approver', 'bob'), false);
});

test('refused_executions_come_first_once_each_and_the_list_has_its_limit', () => {
  const item = (id: string, outcome: BulkReportItem['outcome'], step?: string): BulkReportItem => ({
    execution_id: id,
    generation: 0,
    step,
    outcome,
    href: '',
  });
  const ids = (items: BulkReportItem[]) => items.map((one) => one.execution_id + (one.step ?? ''));
  const short = [item('a', 'done'), item('b', 'refused'), item('c', 'pending')];
  assert.deepEqual(ids(refusedFirst(short, [], 9)), ['b', 'a', 'c']);
  // The list of refused ones reaches beyond the first page, whose own refused one it repeats.
  const refused = [item('b', 'refused'), item('z', 'refused')];
  assert.deepEqual(ids(refusedFirst(short, refused, 3)), ['b', 'z', 'a']);
  const questions = [item('a', 'done', 'pay'), item('a', 'refused', 'hold')];
  assert.deepEqual(ids(refusedFirst(questions, [], 9)), ['ahold', 'apay']);
});
