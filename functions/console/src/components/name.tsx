// A name of a definition, such as of a step. A narrow place breaks it behind a mark, not in a word.
import { Fragment } from 'preact';

export function Name({ text }: { text: string }) {
  return (
    <>
      {text.split(/(?<=[-_./])/).map((part, n) => (
        <Fragment key={n}>
          {n > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </>
  );
}
