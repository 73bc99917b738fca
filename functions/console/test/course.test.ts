// The course of an execution, the order of questions, and which of them is which.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Execution, OutlineNode, Question } from '../src/api/types';
import { sentenceIn } from '../src/lib/answer';
import { offset } from '../src/lib/format';
import { progressOf } from '../src/lib/progress';
import { byExpiry, identityOf } from '../src/lib/question';

const node = (name: string, kind: string, to?: string, inside?: OutlineNode[][]): OutlineNode => ({
  name,
  kind,
  next: to ? [{ to }] : [],
  ...(inside ? { inside } : {}),
});
const OUTLINE = [
  node('Begin', 'begin', 'agrees'),
  node('agrees', 'approval', 'pause'),
  node('pause', 'wait', 'both'),
  node('both', 'parallel', 'later', [[node('hold', 'step')], [node('tell', 'step')]]),
  node('later', 'wait', 'end'),
  node('end', 'step'),
];
const execution = (steps: string[], questions: string[]) =>
  ({
    steps: steps.map((name) => ({ name })),
    questions: questions.map((step) => ({ step, kind: 'approval', status: 'DECIDED' })),
  }) as unknown as Execution;

// Each entry as `kind name`, and `over` for a state that is known to be over.
function course(steps: string[], questions: string[], outline = OUTLINE): string[] {
  return progressOf(execution(steps, questions), outline).map((entry) => {
    if (entry.is === 'step') return `step ${entry.step.name}`;
    if (entry.is === 'approval') return `approval ${entry.question.step}`;
    return `${entry.over ? 'over' : 'state'} ${entry.node.name}`;
  });
}

test('approvals_and_waits_are_part_of_the_course', () => {
  assert.deepEqual(course(['hold'], ['agrees']), [
    'approval agrees',
    'over pause',
    'step hold',
    'state tell',
    'state later',
    'state end',
  ]);
});

test('records_that_the_outline_lacks_are_kept', () => {
  assert.deepEqual(course(['old'], ['asked'], []), ['approval asked', 'step old']);
});

test('another_question_of_the_same_step_has_another_identity', () => {
  const first = {
    step: 'hold',
    incident: '/v1/incidents/1',
    until: '2026-11-28T12:00:00Z',
    shown_sha256: 'a',
  } as unknown as Question;
  assert.equal(identityOf(first), identityOf({ ...first }));
  const others = [
    { until: '2026-11-28T12:00:01Z' },
    { shown_sha256: 'b' },
    { incident: '/v1/incidents/2' },
  ];
  for (const other of others)
    assert.notEqual(identityOf(first), identityOf({ ...first, ...other }));
});

test('the_question_that_expires_first_is_on_top', () => {
  const at = (until: string, step: string) => ({ until, step });
  const sorted = byExpiry([
    at('2026-11-28T12:00:00Z', 'late'),
    at('2026-11-28T09:00:00.5Z', 'soon'),
    at('2026-11-28T12:00:00Z', 'as late'),
  ]);
  assert.deepEqual(
    sorted.map((one) => one.step),
    ['soon', 'late', 'as late'],
  );
});

test('an_event_has_its_distance_from_the_start', () => {
  const start = '2026-11-28T12:00:00Z';
  assert.equal(offset(start, '2026-11-28T12:00:02.345Z'), '+2.3 s');
  assert.equal(offset(start, '2026-11-28T11:59:59Z'), '');
});

test('the_sentence_of_a_targets_answer_is_found_in_a_problem_document', () => {
  assert.equal(
    sentenceIn('{"title":"Conflict","detail":"closed until 10:00"}'),
    'closed until 10:00',
  );
  assert.equal(sentenceIn('{"message":"no"}'), 'no');
  for (const none of ['', '<html>', '[1]', '{"detail":7}', '"text"'])
    assert.equal(sentenceIn(none), undefined, none);
});
