// The buttons of an execution's page: cancel, roll back, redrive, and the receipt.
import { useState } from 'preact/hooks';
import type { Execution } from '../../api/types';
import { isOpen } from '../../lib/states';
import { may, type Operation } from '../../roles';
import { address } from '../../router';
import { ActDialog } from '../act';

interface Kind {
  action: 'cancel' | 'rollback' | 'redrive';
  word: string;
  title: string;
  verb: string;
  needs: Operation;
  // For open executions, or for ended ones.
  open: boolean;
}

const KINDS: readonly Kind[] = [
  {
    action: 'cancel',
    word: 'Cancel …',
    title: 'Cancel this execution?',
    verb: 'Cancel it',
    needs: 'cancel an execution',
    open: true,
  },
  {
    action: 'rollback',
    word: 'Roll back …',
    title: 'Roll this execution back?',
    verb: 'Roll it back',
    needs: 'roll an ended execution back',
    open: false,
  },
  {
    action: 'redrive',
    word: 'Redrive …',
    title: 'Continue this execution where it failed?',
    verb: 'Redrive it',
    needs: 'redrive an execution',
    open: false,
  },
];

interface Props {
  execution: Execution;
  tenant: string | undefined;
  role: string;
  onActed: () => void;
}

export function ExecutionActions({ execution, tenant, role, onActed }: Props) {
  const [chosen, setChosen] = useState<Kind>();
  const open = isOpen(execution.status);
  const close = (done: boolean) => {
    setChosen(undefined);
    if (done) onActed();
  };
  return (
    <>
      {KINDS.filter((kind) => kind.open === open && may(role, kind.needs)).map((kind) => (
        <button key={kind.action} type="button" onClick={() => setChosen(kind)}>
          {kind.word}
        </button>
      ))}
      {execution.receipt && may(role, 'list and fetch receipts and digests') && (
        <a
          class="button"
          href={address(['receipts', execution.execution_id], { tenant: execution.tenant })}
        >
          Receipt
        </a>
      )}
      {chosen && (
        <ActDialog
          execution={execution.execution_id}
          tenant={tenant}
          title={chosen.title}
          verb={chosen.verb}
          choose={(action) => action.action === chosen.action}
          onClose={close}
        />
      )}
    </>
  );
}
