// The dialog of one action: it loads what would happen, then requests the action.

import { apiFor } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Action, Actions } from '../api/types';
import { command } from '../lib/command';
import { useLive } from '../live';
import { Confirm } from './confirm';
import { Effects } from './effects';
import { Answer } from './states';

const EVERY_MS = 5000;

interface Props {
  execution: string;
  tenant: string | undefined;
  title: string;
  // The word on the button.
  verb: string;
  // Chooses the action among those that the API lists.
  choose: (action: Action) => boolean;
  // The request failed. The page says so too, since a later answer can close the dialog.
  onProblem: (problem: Problem | undefined) => void;
  onClose: (done: boolean) => void;
}

interface RequestAnswer {
  replayed?: boolean;
  note?: string | null;
}

export function ActDialog(props: Props) {
  const { execution, tenant, title, verb, choose, onProblem, onClose } = props;
  const api = apiFor(tenant);
  const live = useLive<Actions>(
    `actions ${execution}`,
    (signal) => api.get(`executions/${encodeURIComponent(execution)}/actions`, {}, signal),
    EVERY_MS,
  );
  const action = live.data?.actions.find(choose);
  const act = async (reason: string) => {
    if (!action) return undefined;
    const { path, body } = action.request;
    onProblem(undefined);
    const sent = api.send<RequestAnswer>('POST', path.replace(/^\/v1\//, ''), {
      body: { ...body, reason },
    });
    const answer = await sent.catch((error) => {
      const problem = asProblem(error);
      onProblem(problem);
      throw problem;
    });
    return answer.note ?? (answer.replayed ? 'It was requested before.' : undefined);
  };
  return (
    <Confirm
      title={title}
      verb={verb}
      allowed={action?.allowed === true}
      command={(reason) => (action ? command([action.action, execution], { reason, tenant }) : '')}
      act={act}
      onClose={onClose}
    >
      <Answer live={live} what="what would happen" bounded={false}>
        {() => (action ? <Effects action={action} /> : <p>The execution no longer offers this.</p>)}
      </Answer>
    </Confirm>
  );
}
