// Audit events as sentences.
import type { StoryEvent } from '../api/shapes';
import { lasted } from './format';
import { errorWord, wordOf } from './words';

type Data = Record<string, unknown>;

const text = (data: Data, member: string): string => {
  const value = data[member];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};
const step = (data: Data): string => {
  const item = text(data, 'item');
  return item ? `${text(data, 'step')} [${item.slice(0, 8)}]` : text(data, 'step');
};
const attempt = (data: Data): string => {
  const took = data.duration_ms;
  const number = text(data, 'attempt');
  return `${number ? `, attempt ${number}` : ''}${typeof took === 'number' ? `, ${lasted(took)}` : ''}`;
};
const list = (data: Data, member: string): string => {
  const value = data[member];
  if (!Array.isArray(value)) return '';
  return value
    .map((each) => (typeof each === 'string' ? each : text(each as Data, 'name')))
    .join(', ');
};
// The state that failed and why; a failure outside of the states has no state.
const cause = (data: Data): string =>
  `${text(data, 'state')} ${errorWord(text(data, 'error'))}`.trim();
const later = (data: Data): string => (Number(data.generation) > 0 ? ' again' : '');

const SENTENCES: Readonly<Record<string, (data: Data) => string>> = {
  'workflow.started': (data) => `Began${later(data)}, triggered by ${text(data, 'trigger')}`,
  'workflow.rejected': (data) => `The start was refused by ${list(data, 'guardrails')}`,
  'workflow.duplicate.prevented': (data) =>
    `A repeat of the start was refused (${text(data, 'number')})`,
  'workflow.step.started': (data) => `${step(data)} began`,
  'workflow.step.completed': (data) => `${step(data)} took effect${attempt(data)}`,
  'workflow.step.failed': (data) =>
    data.outcome === 'unknown'
      ? `${step(data)} has an unknown outcome: it may have been applied${attempt(data)}`
      : `${step(data)} failed: ${text(data, 'outcome')}${attempt(data)}`,
  'workflow.step.retried': (data) => `${step(data)} is tried again${attempt(data)}`,
  'workflow.step.undone': (data) => `${step(data)} was undone${attempt(data)}`,
  'workflow.step.undo_failed': (data) => `The undo of ${step(data)} failed${attempt(data)}`,
  'workflow.rollback.started': (data) => `The rollback began: ${cause(data)}`,
  // The event of the rollback before it has the cause.
  'workflow.completed': (data) => `Ended: ${wordOf(text(data, 'status')).text}`,
  'workflow.receipt.generated': () => 'The receipt was written',
  'workflow.incident.opened': (data) => `An incident opened: ${cause(data)}`,
  'workflow.incident.standing': (data) =>
    `An effect remains or may remain: ${list(data, 'stands')}`,
  'workflow.incident.waiting': (data) => `${step(data)} waits for people (${text(data, 'kind')})`,
  'workflow.incident.decided': (data) => `${step(data)} was decided: ${text(data, 'decision')}`,
  'workflow.incident.acknowledged': () => 'The incident was acknowledged',
  'workflow.incident.resolved': () => 'The incident was resolved',
  'workflow.approval.requested': (data) => `${step(data)} asks for an approval`,
  'workflow.approval.reminded': (data) =>
    `People were reminded of ${step(data)} (${text(data, 'reminder')})`,
  'workflow.approval.decided': (data) =>
    `${step(data)}: ${text(data, 'outcome') || text(data, 'decision')}, ${text(data, 'approvals')} of ${text(data, 'count')} approve`,
};

// The sentence of an event; an unknown event keeps its type.
export function sentenceOf(event: StoryEvent): string {
  const sentence = SENTENCES[event.type]?.(event.data) ?? event.type;
  return event.actor ? `${sentence}, by ${event.actor}` : sentence;
}
