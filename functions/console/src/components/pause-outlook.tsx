// What a pause of a scope would touch now, from the API.
import { apiFor, path } from '../api/client';
import type { ControlOutlook } from '../api/types';
import { counted } from '../lib/format';
import { useLive } from '../live';
import { Answer } from './states';

export function PauseOutlook({ scope }: { scope: string }) {
  const live = useLive<ControlOutlook>(
    `outlook ${scope}`,
    (signal) => apiFor(undefined).get(path('controls', ...scope.split('/')), {}, signal),
    null,
  );
  return (
    <Answer live={live} what="what it would touch">
      {(outlook) => (
        <>
          {outlook.scope_check === 'new' && (
            <p>No workflow or tenant of this name exists, so that the pause will be refused.</p>
          )}
          <p>
            <strong>{touched(outlook)}</strong>
          </p>
          {(outlook.workflows ?? []).length > 0 && (
            <ul>
              {outlook.workflows?.map((one) => (
                <li key={one.workflow_id}>
                  {one.workflow_id}: {one.open_executions}
                </li>
              ))}
              {outlook.workflows_more && <li>and more</li>}
            </ul>
          )}
        </>
      )}
    </Answer>
  );
}

function touched({ open_executions: open, open_executions_more: more }: ControlOutlook): string {
  if (typeof open !== 'number') return 'The open executions could not be counted.';
  const count = counted(open, 'open execution');
  return `It would touch ${more ? 'more than ' : ''}${count}.`;
}
