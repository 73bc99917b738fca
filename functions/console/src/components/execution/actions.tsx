// The buttons of an execution's page: cancel, roll back, redrive, and the receipt.
import { useEffect, useRef, useState } from 'preact/hooks';
import { apiFor, path } from '../../api/client';
import type { Problem } from '../../api/problem';
import type { Actions, Execution } from '../../api/types';
import { isOpen } from '../../lib/states';
import { useLive } from '../../live';
import { may, type Operation } from '../../roles';
import { address } from '../../router';
import { ActDialog } from '../act';
import { Boundary } from '../boundary';
import { ProblemView } from '../states';

const EVERY_MS = 30_000;

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

// A request that is refused now is no button: its reason is below the others.
export function ExecutionActions({ execution, tenant, role, onActed }: Props) {
  const [chosen, setChosen] = useState<Kind>();
  // Counts the presses, so that a dialog that failed is opened again.
  const [press, setPress] = useState(0);
  const [problem, setProblem] = useState<Problem>();
  const { execution_id: id, status, generation } = execution;
  const kinds = KINDS.filter((kind) => kind.open === isOpen(status) && may(role, kind.needs));
  const live = useLive<Actions | null>(
    `offered ${tenant} ${id} ${isOpen(status)} ${generation}`,
    async (signal) =>
      kinds.length > 0
        ? apiFor(tenant).get<Actions>(path('executions', id, 'actions'), {}, signal)
        : null,
    EVERY_MS,
  );
  // Another status can change what is refused. The buttons stay until the answer comes.
  const judged = useRef(status);
  useEffect(() => {
    if (judged.current !== status) live.reload();
    judged.current = status;
  }, [status]);
  const refusalOf = (kind: Kind) =>
    live.data?.actions.find((action) => action.action === kind.action)?.refusal;
  const offered = kinds.filter((kind) => {
    // What fails soon or was not judged is judged again by the dialog.
    const refusal = refusalOf(kind);
    return refusal ? refusal.code === 'too-early' : live.data || live.problem;
  });
  const choose = (kind: Kind) => {
    setProblem(undefined);
    setChosen(kind);
    setPress(press + 1);
  };
  const close = (done: boolean) => {
    setChosen(undefined);
    if (done) onActed();
  };
  return (
    <>
      {offered.map((kind) => (
        <button key={kind.action} type="button" onClick={() => choose(kind)}>
          {kind.word}
        </button>
      ))}
      {execution.receipt && may(role, 'list and fetch receipts and digests') && (
        <a class="button" href={address(['receipts', id], { tenant: execution.tenant })}>
          Receipt
        </a>
      )}
      {kinds.map((kind) => {
        const refusal = offered.includes(kind) ? undefined : refusalOf(kind);
        return (
          refusal && (
            <p class="refused soft" key={kind.action}>
              {kind.word.replace(' …', '')}: not possible, {refusal.message}
            </p>
          )
        );
      })}
      {problem && <ProblemView problem={problem} sent />}
      {chosen && (
        <Boundary key={press} what="what would happen">
          <ActDialog
            execution={id}
            tenant={tenant}
            title={chosen.title}
            verb={chosen.verb}
            choose={(action) => action.action === chosen.action}
            onProblem={setProblem}
            onClose={close}
          />
        </Boundary>
      )}
    </>
  );
}
