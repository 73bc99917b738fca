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
  const found = texts.find((text): text is string => typeof text === 'string' && text !== '');
  return found && found.length > MOST_CHARACTERS ? `${found.slice(0, MOST_CHARACTERS)}…` : found;
}
