// A dialog that shows what would happen, asks for a reason, and then requests it.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem';
import { ShowCommand } from './code';
import { Reason } from './reason';
import { ProblemView } from './states';

// The longest reason that the API takes, in characters.
const LONGEST_REASON = 500;

interface Props {
  title: string;
  // The word on the button.
  verb: string;
  // What would happen, from the API.
  children: ComponentChildren;
  // False while the API does not allow it.
  allowed?: boolean;
  // The command that does the same.
  command: (reason: string) => string;
  // Requests it. A returned text is shown before the dialog closes.
  act: (reason: string) => Promise<string | undefined>;
  onClose: (done: boolean) => void;
}

export function Confirm({ title, verb, children, allowed = true, command, act, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [note, setNote] = useState<string>();
  useEffect(() => dialog.current?.showModal(), []);
  const done = note !== undefined;

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      const answer = await act(reason.trim());
      if (answer === undefined) onClose(true);
      else setNote(answer);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };

  return (
    <dialog
      ref={dialog}
      class="confirm"
      aria-labelledby="confirm-title"
      onCancel={(event) => busy && event.preventDefault()}
      onClose={() => onClose(done)}
    >
      <form onSubmit={submit}>
        <h2 id="confirm-title">{title}</h2>
        <div class="effect">{children}</div>
        {!done && allowed && (
          <Reason
            value={reason}
            longest={LONGEST_REASON}
            note="It is kept in the ledger, the receipt and the audit events’ records."
            onInput={setReason}
          />
        )}
        {problem && <ProblemView problem={problem} sent />}
        {note !== undefined && <p role="status">{note}</p>}
        <div class="buttons">
          <button type="button" disabled={busy} onClick={() => onClose(done)}>
            {done || !allowed ? 'Close' : 'Do nothing'}
          </button>
          {!done && allowed && (
            <button type="submit" class="main" disabled={busy || reason.trim() === ''}>
              {busy ? 'Requesting …' : verb}
            </button>
          )}
        </div>
        {!done && allowed && <ShowCommand text={command(reason.trim() || 'why')} />}
      </form>
    </dialog>
  );
}
