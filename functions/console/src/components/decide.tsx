// The dialog of a decision: what it would do, the reason, and the request with the digest of what
// was read.
import { useState } from 'preact/hooks';
import { apiFor } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Action, DecisionResult, Execution, Question } from '../api/types';
import { command } from '../lib/command';
import type { Change } from '../lib/question';
import { Confirm } from './confirm';
import { Effects } from './effects';
import { Changes } from './question-changed';

const WORDS: Readonly<Record<string, string>> = {
  approve: 'Approve',
  reject: 'Reject',
  retry: 'Retry the step',
  skip: 'Skip the step',
  rollback: 'Roll back',
};
export const wordOf = (decision: string): string => WORDS[decision] ?? decision;

interface Props {
  execution: Execution;
  question: Question;
  tenant: string | undefined;
  decision: string;
  action: Action | undefined;
  // The reason why the decision can no longer be sent, if there is one.
  block: string | undefined;
  // The parts in which the step's present question differs from the one that was read.
  changes: readonly Change[];
  onSend: () => void;
  // The API refused the decision, perhaps since the question has changed.
  onRefused: () => void;
  // The request failed. The page says so too, since a later answer can close the dialog.
  onProblem: (problem: Problem) => void;
  onClose: (said: string | undefined) => void;
}

export function Decide(props: Props) {
  const { execution, question, decision, action, block, changes, tenant } = props;
  const { onSend, onRefused, onProblem, onClose } = props;
  const [said, setSaid] = useState<string>();
  const act = async (reason: string) => {
    onSend();
    try {
      const result = await sent(tenant, execution.execution_id, question, { decision, reason });
      setSaid(resultOf(result));
      onClose(resultOf(result));
    } catch (error) {
      const problem = asProblem(error);
      onProblem(problem);
      if (problem.kind === 'conflict') onRefused();
      throw problem;
    }
    return undefined;
  };
  return (
    <Confirm
      title={`${wordOf(decision)}: ${question.step}`}
      verb={wordOf(decision)}
      allowed={block === undefined && (action?.allowed ?? true)}
      command={(reason) =>
        command(['decide', execution.execution_id, decision], {
          step: question.step,
          reason,
          tenant,
        })
      }
      act={act}
      onClose={() => onClose(said)}
    >
      {block && <p>{block}</p>}
      <Changes changes={changes} />
      {!block && (action ? <Effects action={action} /> : <p>{question.message}</p>)}
    </Confirm>
  );
}

// Sends a decision with the digest of what was read, so that the API refuses it for another
// question.
function sent(
  tenant: string | undefined,
  execution: string,
  { incident, shown_sha256: shown }: Question,
  decided: { decision: string; reason: string },
): Promise<DecisionResult> {
  // The question has the path of its incident.
  const at = `${incident.replace(/^\/v1\//, '')}/decision`;
  const body = { ...decided, execution_id: execution, shown_sha256: shown ?? undefined };
  return apiFor(tenant).send<DecisionResult>('POST', at, { body });
}

function resultOf(result: DecisionResult): string {
  const before = result.replayed ? 'It was decided so before. ' : '';
  if (result.decided) return `${before}Decided: ${result.decision}.`;
  const needed = result.needed as { people: number; groups: string[] } | undefined;
  const rest = needed ? ` ${needed.people} more must approve: ${needed.groups.join(', ')}.` : '';
  return `${before}Your vote is recorded.${rest}`;
}
