// The line that says that a choice was dropped, since its question is no more.
import { useEffect, useRef } from 'preact/hooks';

// Takes the focus, which was in the dialog that is gone.
export function QuestionChanged({ asks }: { asks: boolean }) {
  const line = useRef<HTMLParagraphElement>(null);
  useEffect(() => line.current?.focus(), []);
  return (
    <p ref={line} class="problem part" role="alert" tabIndex={-1}>
      {asks
        ? 'The step asks another question now. Your choice was of the one before, and nothing was sent.'
        : 'The question is over. Nothing was sent.'}
    </p>
  );
}
