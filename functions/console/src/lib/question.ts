// Questions to people: their order, their identity and their deciders.
import type { Question } from '../api/types';

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
