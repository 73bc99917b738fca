// The sentence in the answer of a target, for people.
import { isRecord } from './evidence';

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
