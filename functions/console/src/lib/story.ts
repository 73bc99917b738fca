// Audit events as sentences.
import type { StoryEvent } from '../api/shapes';
import type { Step } from '../api/types';
import { lasted } from './format';
import { errorWord, wordOf } from './words';

type Data = Record<string, unknown>;

const text = (data: Data, member: string): string => {
  const value = data[member];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};
const step = (data: Data): string => {
  const item = text(data, 'item');
  if (!item) return text(data, 'step');
  return `${text(data, 'step')} [${data.named === true ? item : item.slice(0, 8)}]`;
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
  'workflow.rejected': (data) =>
    `The start was refused by the guardrail ${list(data, 'guardrails')}`,
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

// Events of which the actor requested the start.
const OF_A_START = ['workflow.started', 'workflow.rejected', 'workflow.duplicate.prevented'];

// The sentence of an event; an unknown event keeps its type. `items` has the names of items.
export function sentenceOf(event: StoryEvent, items: ReadonlyMap<string, string>): string {
  const name = items.get(text(event.data, 'item'));
  const data = name === undefined ? event.data : { ...event.data, item: name, named: true };
  const sentence = SENTENCES[event.type]?.(data) ?? event.type;
  if (!event.actor) return sentence;
  const did = OF_A_START.includes(event.type) ? 'requested by' : 'by';
  return `${sentence}, ${did} ${event.actor}`;
}

// Items by the digest that events have in their place. An attempt's event has the idempotency key
// of its step, which knows the item if the reader may see it.
export function itemsOf(
  events: readonly StoryEvent[],
  steps: readonly Step[],
): ReadonlyMap<string, string> {
  const byKey = new Map(steps.map((step) => [step.idempotency_key, step.item]));
  return new Map(
    events.flatMap(({ data }) => {
      const item = byKey.get(text(data, 'idempotency_key'));
      return item ? [[text(data, 'item'), item] as const] : [];
    }),
  );
}
