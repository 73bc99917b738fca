// Questions to people: their order, their identity and their deciders.
import type { Execution, Question } from '../api/types';

// Sorts by expiry, earliest first. Equal times keep the order of the list.
export function byExpiry<T extends { until: string }>(questions: readonly T[]): T[] {
  return questions.toSorted((a, b) => Date.parse(a.until) - Date.parse(b.until));
}

// The identity of a question. A step can ask again after a retry, for the same cause: such a
// question has another time at which it expires, and shows other attempts.
export function identityOf(question: Question): string {
  const { step, incident, until, shown_sha256: shown } = question;
  return JSON.stringify([step, incident, until, shown ?? null]);
}

// The people who may decide: `2 of cfo, treasury`. Without a group, platform admins decide.
export function decidersOf(by: readonly string[], count = 1): string {
  const who = by.length > 0 ? by.join(', ') : 'a platform admin';
  return count > 1 ? `${count} of ${who}` : who;
}

// A part of a question that differs from what the reader saw.
export interface Change {
  what: string;
  before: string;
  now: string;
  // True if both are times.
  time?: boolean;
}

// The state of a question that a dialog decides, after it was read.
export interface QuestionState {
  // True if the step asks a question.
  asks: boolean;
  // True if that is the question of the dialog.
  same: boolean;
  // True if the API refused the last request of the dialog.
  refused: boolean;
}

// The reason why a dialog can no longer be sent, if there is one. While a request is under way, its
// own decision can end the question.
export function blockOf({ asks, same, refused }: QuestionState): string | undefined {
  if (asks)
    return same ? undefined : 'The step asks another question now. Close this, and read it.';
  return refused ? 'The question is over. Close this.' : undefined;
}

// A question, with the execution in which it was read.
export interface ReadQuestion {
  question: Question;
  execution: Execution;
}

// The parts of a question that differ from those that were read.
export function changesOf(before: ReadQuestion, now: ReadQuestion): Change[] {
  const then = partsOf(before);
  return partsOf(now).flatMap((part, n) => {
    const old = then[n]?.text ?? '';
    const { what, text, time } = part;
    return text === old ? [] : [{ what, before: old, now: text, ...(time && { time }) }];
  });
}

interface Part {
  what: string;
  text: string;
  time?: boolean;
}

// The parts that a page shows of a question, in its order.
function partsOf({ question, execution }: ReadQuestion): Part[] {
  const steps = execution.steps.filter((step) => step.name === question.step);
  const attempts = steps.reduce((sum, step) => sum + step.attempts.length, 0);
  return [
    { what: 'Question', text: question.message ?? '' },
    { what: 'Choices', text: question.decisions.join(', ') },
    { what: 'Decided by', text: decidersOf(question.by, question.count) },
    { what: 'Attempts so far', text: String(attempts) },
    { what: 'Expires', text: question.until, time: true },
    { what: 'Shown to deciders', text: shownText(execution) },
    { what: 'Incident', text: question.incident.split('/').at(-1)?.slice(0, 12) ?? '' },
  ];
}

const shownText = ({ shown }: Execution) =>
  (shown ?? []).map(({ label, value }) => `${label}: ${String(value)}`).join('; ');
