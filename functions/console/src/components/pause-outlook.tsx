// What a pause of a scope would touch now, as the API counted it.
import type { ControlOutlook } from '../api/types';
import { openExecutions } from '../lib/format';
import type { Live } from '../live';
import { Answer } from './states';

export function PauseOutlook({ live }: { live: Live<ControlOutlook | null> }) {
  return (
    <Answer live={live} what="what it would touch" bounded={false}>
      {(outlook) => outlook && <Outlook outlook={outlook} />}
    </Answer>
  );
}

// The sentence of a scope that the API could not look for.
export const UNCHECKED = 'The name could not be checked: check it yourself.';
const CHECKS: Readonly<Record<string, string>> = {
  new: 'No workflow or tenant of this name exists: it cannot be paused here.',
  unavailable: UNCHECKED,
};

function Outlook({ outlook }: { outlook: ControlOutlook }) {
  const check = CHECKS[outlook.scope_check];
  return (
    <>
      {check && <p>{check}</p>}
      <div role="status">
        <p>
          <strong>{touched(outlook)}</strong>
        </p>
      </div>
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
  );
}

function touched({ open_executions: open, open_executions_more: more }: ControlOutlook): string {
  if (typeof open !== 'number') return 'The open executions could not be counted.';
  return `It would touch ${openExecutions(open, more)}.`;
}
