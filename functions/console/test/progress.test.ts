// The progress of an execution, and the order and identity of questions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Execution, OutlineNode, Question } from '../src/api/types';
import { sentenceIn } from '../src/lib/answer';
import { offset } from '../src/lib/format';
import { ordered, progressOf } from '../src/lib/progress';
import { byExpiry, identityOf } from '../src/lib/question';

const node = (name: string, kind: string, to?: string, inside?: OutlineNode[][]): OutlineNode => ({
  name,
  kind,
  // The followers, separated by spaces.
  next: (to?.split(' ') ?? []).map((each) => ({ to: each })),
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
// As the API lists it: what follows a choice comes before its other branches.
const LISTED = [
  node('by_size', 'choice', 'pay_big pay_small'),
  node('pay_big', 'step', 'tell'),
  node('tell', 'step'),
  node('pay_small', 'step', 'tell'),
];
const BRANCHES = [
  node('cfo_agrees', 'approval', 'large'),
  node('large', 'choice', 'pay_big pay_small'),
  node('pay_big', 'step', 'tell'),
  node('pay_small', 'step', 'cool_off'),
  node('cool_off', 'wait', 'tell'),
  node('tell', 'step'),
];
// A question that asked no person ends with `?`.
const execution = (steps: string[], questions: string[]) =>
  ({
    steps: steps.map((name) => ({ name })),
    questions: questions.map((step) => ({
      step: step.replace('?', ''),
      kind: 'approval',
      status: step.endsWith('?') ? 'SKIPPED' : 'DECIDED',
    })),
  }) as unknown as Execution;

// Each entry as `kind name`. A state is `over`, `passed`, or neither.
function progress(steps: string[], questions: string[], outline = OUTLINE): string[] {
  return progressOf(execution(steps, questions), outline).map((entry) => {
    if (entry.is === 'step') return `step ${entry.step.name}`;
    if (entry.is === 'approval') return `approval ${entry.question.step}`;
    const passed = entry.passed ? 'passed' : 'state';
    return `${entry.over ? 'over' : passed} ${entry.node.name}`;
  });
}

test('approvals_and_waits_are_part_of_the_progress', () => {
  assert.deepEqual(progress(['hold'], ['agrees']), [
    'approval agrees',
    'over pause',
    'step hold',
    'state tell',
    'state later',
    'state end',
  ]);
});

test('a_branch_that_was_not_taken_is_not_over', () => {
  assert.deepEqual(progress(['pay_big', 'tell'], ['cfo_agrees?'], BRANCHES), [
    'approval cfo_agrees',
    'step pay_big',
    'passed pay_small',
    'passed cool_off',
    'step tell',
  ]);
});

test('a_state_inside_a_container_is_judged_by_its_own_level', () => {
  const inner = [node('first', 'wait', 'second'), node('second', 'step')];
  const outline = [node('all', 'parallel', 'end', [inner]), node('end', 'wait')];
  assert.deepEqual(progress(['second'], [], outline), ['over first', 'step second', 'state end']);
  assert.deepEqual(progress([], [], outline), ['state first', 'state second', 'state end']);
});

test('records_that_the_outline_lacks_are_kept', () => {
  assert.deepEqual(progress(['old'], ['asked'], []), ['approval asked', 'step old']);
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
  assert.equal(sentenceIn('{"detail":" ","title":"Conflict"}'), 'Conflict');
  for (const none of ['', '<html>', '[1]', '{"detail":7}', '{"detail":" "}', '"text"'])
    assert.equal(sentenceIn(none), undefined, none);
  assert.equal(sentenceIn(`{"detail":"${'😀'.repeat(301)}"}`), `${'😀'.repeat(300)}…`);
});

test('a_step_of_another_branch_stands_before_what_follows_both', () => {
  assert.deepEqual(progress(['pay_small', 'tell'], [], LISTED), [
    'passed pay_big',
    'step pay_small',
    'step tell',
  ]);
});

test('nodes_of_a_circle_keep_their_order', () => {
  const circle = [node('ask', 'step', 'wait'), node('wait', 'wait', 'ask')];
  assert.deepEqual(
    ordered(circle).map(({ name }) => name),
    ['ask', 'wait'],
  );
});
