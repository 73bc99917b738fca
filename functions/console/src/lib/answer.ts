// The sentence in the answer of a target, for people.
import type { Step } from '../api/types';
import { isRecord } from './evidence';
import { counted } from './format';

type UndoneStep = Pick<Step, 'name' | 'status' | 'undo_attempts'>;

// The member `detail` of a problem document (RFC 9457), or what other APIs call it.
const MEMBERS = ['detail', 'message', 'error_description', 'title'];
const MOST_CHARACTERS = 300;

export function sentenceIn(body: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const texts = MEMBERS.map((member) => value[member]);
  const found = texts.find(
    (text): text is string => typeof text === 'string' && text.trim() !== '',
  );
  // A character beyond the 16-bit range must not be cut in two.
  const characters = [...(found ?? '')];
  if (characters.length <= MOST_CHARACTERS) return found;
  return `${characters.slice(0, MOST_CHARACTERS).join('')}…`;
}

// The most sentences of a banner.
const MOST_SENTENCES = 3;

// A sentence for each step whose undo failed, with what its target said last. Further undos, whose
// sentences are left out, are counted.
export function undoFailures(steps: readonly UndoneStep[]): string[] {
  const failed = steps.filter((step) => step.status === 'UNDO_FAILED');
  const sentences = failed.map(({ name, undo_attempts }) => {
    const answer = undo_attempts.at(-1)?.answer;
    const said = answer && sentenceIn(answer.body);
    return `The undo of ${name} failed.${said ? ` The target says: “${said}”` : ''}`;
  });
  // Items of a step can share a sentence, which is listed once.
  const shown = [...new Set(sentences)].slice(0, MOST_SENTENCES);
  const more = sentences.filter((sentence) => !shown.includes(sentence)).length;
  return more > 0 ? [...shown, `${counted(more, 'more undo')} failed.`] : shown;
}
