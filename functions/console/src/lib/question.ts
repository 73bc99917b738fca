// Questions to people: their order, and which of them is which.
import type { Question } from '../api/types';

// Those that expire first come first. Of one time, the order of the list is kept.
export function byExpiry<T extends { until: string }>(questions: readonly T[]): T[] {
  return questions.toSorted((a, b) => Date.parse(a.until) - Date.parse(b.until));
}

// The identity of a question. A step can ask again after a retry, for the same cause: such a
// question has another time at which it expires, and shows other attempts.
export function identityOf(question: Question): string {
  const { step, incident, until, shown_sha256: shown } = question;
  return JSON.stringify([step, incident, until, shown ?? null]);
}
