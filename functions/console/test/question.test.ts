// What differs between a question as it was read and the one that the step asks now.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Execution, Question } from '../src/api/types';
import { blockOf, changesOf, type ReadQuestion } from '../src/lib/question';

const question: Question = {
  step: 'hold',
  kind: 'escalation',
  status: 'OPEN',
  until: '2026-11-29T12:00:00Z',
  decisions: ['retry', 'skip', 'rollback'],
  decision: null,
  by: [],
  count: 1,
  distinct_groups: false,
  votes: [],
  incident: '/v1/incidents/0123456789abcdef',
  message: 'hold failed: locked',
  shown_sha256: '1'.repeat(64),
};

const read = (change: Partial<Question>, attempts: number): ReadQuestion => {
  const steps = [{ name: 'hold', attempts: Array.from({ length: attempts }) }];
  return {
    question: { ...question, ...change },
    execution: { steps, shown: [] } as unknown as Execution,
  };
};

test('each_part_of_a_question_that_is_new_is_named_with_both_values', () => {
  const next = { until: '2026-11-29T13:00:00Z', message: 'hold failed: closed' };
  assert.deepEqual(changesOf(read({}, 1), read(next, 2)), [
    { what: 'Question', before: 'hold failed: locked', now: 'hold failed: closed' },
    { what: 'Attempts so far', before: '1', now: '2' },
    { what: 'Expires', before: question.until, now: next.until, time: true },
  ]);
});

test('a_vote_on_a_question_is_no_change_of_it', () => {
  const vote = { decision: 'approve', by: 'cfo', at: '2026-11-29T11:00:00Z' };
  const votes = [vote] as unknown as Question['votes'];
  assert.deepEqual(changesOf(read({}, 1), read({ votes }, 1)), []);
});

test('a_dialog_of_another_question_or_of_one_that_is_over_cannot_be_sent', () => {
  const block = (asks: boolean, same: boolean, refused: boolean) =>
    blockOf({ asks, same, refused });
  assert.equal(block(true, true, false), undefined);
  assert.equal(block(true, true, true), undefined);
  assert.match(block(true, false, false) ?? '', /^The step asks another question now/);
  assert.equal(block(false, false, true), 'The question is over. Close this.');
  // The request that is under way has decided it, or lost its answer: a repeat is safe.
  assert.equal(block(false, false, false), undefined);
});
