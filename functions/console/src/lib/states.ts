// The state of each step of an execution, for the graph and its description.
import type { Execution, Step } from '../api/types';
import { counted } from './format';
import { stepWord, type Word } from './words';

const OPEN = ['STARTING', 'RUNNING', 'WAITING', 'PAUSED', 'ROLLING_BACK', 'CLOSING'];

export const isOpen = (status: string): boolean => OPEN.includes(status);

// The states of the steps that an execution has reached, by name.
export function statesOf(execution: Execution): Map<string, Word> {
  const byName = new Map<string, Step[]>();
  for (const step of execution.steps) {
    byName.set(step.name, [...(byName.get(step.name) ?? []), step]);
  }
  const states = new Map<string, Word>();
  for (const [name, steps] of byName) states.set(name, stateOf(steps));
  for (const question of execution.questions) {
    if (question.status === 'OPEN') states.set(question.step, stepWord('ASKING'));
    else if (question.decision?.decision === 'skip') states.set(question.step, SKIPPED);
    else if (!byName.has(question.step))
      states.set(question.step, answered(question.status, question.decision?.decision));
  }
  return states;
}

const SKIPPED: Word = { text: 'failed, skipped by a person', tone: 'none' };

// The ends of a question without a decision.
const UNDECIDED: Readonly<Record<string, Word>> = {
  EXPIRED: { text: 'not decided in time', tone: 'part' },
  CLOSED: { text: 'closed before a decision', tone: 'none' },
  SKIPPED: { text: 'asked no person', tone: 'none' },
};

function answered(status: string, decision: string | undefined): Word {
  switch (decision) {
    case undefined:
      return UNDECIDED[status] ?? { text: 'not decided', tone: 'none' };
    case 'approve':
      return { text: 'approved', tone: 'good' };
    case 'reject':
      return { text: 'rejected', tone: 'bad' };
    default:
      return { text: decision, tone: 'none' };
  }
}

// The most telling state comes first where the items of a step differ.
const URGENCY = [
  'UNDO_FAILED',
  'UNKNOWN',
  'FAILED',
  'UNDOING',
  'RUNNING',
  'WAITING',
  'UNDONE',
  'SUCCESS',
];

function stateOf(steps: readonly Step[]): Word {
  const [only] = steps;
  if (steps.length === 1 && only) {
    const attempts = only.attempts.length;
    const word = stepWord(only.status, attempts);
    return attempts > 1 ? { ...word, text: `${word.text}, attempt ${attempts}` } : word;
  }
  const counts = URGENCY.map(
    (status) => [status, steps.filter((step) => step.status === status).length] as const,
  );
  const [first] = counts.filter(([, count]) => count > 0);
  const [status, count] = first ?? ['SUCCESS', 0];
  const attempts = steps
    .filter((step) => step.status === status)
    .map((step) => step.attempts.length);
  const word = stepWord(status, Math.max(0, ...attempts));
  return { tone: word.tone, text: `${count} of ${counted(steps.length, 'item')} ${word.text}` };
}

// The graph in words, for a screen reader.
export function inWords(workflow: string, states: ReadonlyMap<string, Word>): string {
  const each = [...states].slice(0, 20).map(([name, state]) => `${name}: ${state.text}`);
  return `Graph of ${workflow}. ${each.join('; ')}. The table of steps has the same.`;
}
