// The states of steps, and the story as sentences.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Execution, Step } from '../src/api/types';
import { inWords, isOpen, statesOf } from '../src/lib/states';
import { itemsOf, sentenceOf } from '../src/lib/story';

const step = (name: string, status: string, attempts = 1): Step => ({
  name,
  number: 1,
  action: 'http',
  status,
  idempotency_key: `${name}-${Math.random()}`,
  started_at: null,
  ended_at: null,
  attempts: Array.from({ length: attempts }, () => ({
    started_at: '2026-11-28T12:00:00Z',
    ended_at: null,
    outcome: null,
  })),
  undo_attempts: [],
});

const execution = (steps: Step[], questions: unknown[] = []) =>
  ({ steps, questions }) as unknown as Execution;

test('a_step_has_its_state_and_the_number_of_its_attempt', () => {
  const states = statesOf(execution([step('a', 'SUCCESS'), step('b', 'RUNNING', 3)]));
  assert.deepEqual(states.get('a'), { text: 'succeeded', tone: 'good' });
  assert.deepEqual(states.get('b'), { text: 'running, attempt 3', tone: 'busy' });
  assert.equal(states.get('c'), undefined);
});

test('the_most_telling_state_of_items_is_named_with_its_count', () => {
  const items = [step('each', 'SUCCESS'), step('each', 'UNDO_FAILED'), step('each', 'FAILED')];
  assert.deepEqual(statesOf(execution(items)).get('each'), {
    text: '1 of 3 items undo failed',
    tone: 'part',
  });
});

test('an_open_question_shows_that_its_step_waits_for_people', () => {
  const questions = [
    { step: 'a', status: 'OPEN', decision: null },
    { step: 'ok', status: 'DECIDED', decision: { decision: 'approve' } },
    { step: 'late', status: 'EXPIRED', decision: null },
    { step: 'small', status: 'SKIPPED', decision: null },
    { step: 'b', status: 'DECIDED', decision: { decision: 'skip' } },
  ];
  const states = statesOf(execution([step('a', 'FAILED'), step('b', 'FAILED')], questions));
  assert.equal(states.get('a')?.text, 'waiting for people');
  assert.equal(states.get('b')?.text, 'failed, skipped by a person');
  assert.equal(states.get('ok')?.text, 'approved');
  assert.equal(states.get('small')?.text, 'asked no person');
  assert.equal(states.get('late')?.text, 'not decided in time');
  const cancelled = execution([], [{ step: 'a', status: 'CLOSED', decision: null }]);
  assert.equal(statesOf(cancelled).get('a')?.text, 'closed before a decision');
  assert.match(
    inWords('WF-A', states),
    /^Graph of WF-A\. a: waiting for people; b: failed, skipped/,
  );
});

test('an_execution_is_open_until_its_end_is_recorded', () => {
  assert.deepEqual(['STARTING', 'CLOSING', 'EXECUTED', 'REJECTED'].map(isOpen), [
    true,
    true,
    false,
    false,
  ]);
});

test('an_event_reads_as_a_sentence_and_an_unknown_one_keeps_its_type', () => {
  const event = (type: string, data: Record<string, unknown>, actor?: string) =>
    sentenceOf({ id: '1', time: '', type, data, actor }, new Map());
  assert.equal(
    event('workflow.step.failed', {
      step: 'pay',
      attempt: 2,
      outcome: 'transient',
      duration_ms: 43,
    }),
    'pay failed: transient, attempt 2, 43 ms',
  );
  assert.equal(
    event('workflow.completed', { status: 'ROLLED_BACK', error: 'Cancelled' }, 'ann'),
    'Ended: Rolled back, by ann',
  );
  assert.equal(event('workflow.of.tomorrow', {}), 'workflow.of.tomorrow');
});

test('an_event_names_its_item_if_the_reader_may_see_it', () => {
  const one = { ...step('hold', 'SUCCESS'), idempotency_key: 'k1', item: 'mill-1' };
  const event = (data: Record<string, unknown>) => ({ id: '1', time: '', type: 'x', data });
  const began = event({ step: 'hold', item: '7f38c2408b2e', idempotency_key: 'k1' });
  const undone = event({ step: 'hold', item: '7f38c2408b2e', idempotency_key: 'of the undo' });
  const items = itemsOf([began, undone], [one]);
  const sentence = (known: ReadonlyMap<string, string>) =>
    sentenceOf({ ...undone, type: 'workflow.step.undone' }, known);
  assert.equal(sentence(items), 'hold [mill-1] was undone');
  assert.equal(sentence(itemsOf([began, undone], [])), 'hold [7f38c240] was undone');
});

test('a_step_that_waits_without_an_attempt_is_before_its_first', () => {
  const states = statesOf(execution([step('a', 'WAITING', 0), step('b', 'WAITING', 1)]));
  assert.equal(states.get('a')?.text, 'before the first attempt');
  assert.equal(states.get('b')?.text, 'between attempts');
  const items = (...attempts: number[]) => {
    const steps = attempts.map((count) => step('each', 'WAITING', count));
    return statesOf(execution(steps)).get('each')?.text;
  };
  assert.equal(items(0, 0), '2 of 2 items before the first attempt');
  assert.equal(items(0, 1), '2 of 2 items between attempts');
});
