// The versions of a workflow that are kept, newest first.
import { apiFor, path } from '../../api/client';
import type { WorkflowVersions } from '../../api/types';
import { command } from '../../lib/command';
import { short } from '../../lib/format';
import { useLive } from '../../live';
import { ShowCommand } from '../code';
import { Answer } from '../states';
import { Mark } from '../status';
import { Table } from '../table';
import { Time } from '../time';

const EVERY = 60_000;

export function Versions({ id, tenant }: { id: string; tenant: string | undefined }) {
  const live = useLive<WorkflowVersions>(
    `versions ${tenant} ${id}`,
    (signal) => apiFor(tenant).get(path('workflows', id, 'versions'), {}, signal),
    EVERY,
  );
  return (
    <>
      <Answer live={live} what="versions">
        {({ versions, more }) => (
          <>
            <Table
              caption="Versions that are kept, newest first"
              columns={[
                { title: 'Version', heads: true, cell: (row) => row.version },
                {
                  title: 'Now',
                  cell: (row) => row.deployed && <Mark word={{ text: 'deployed', tone: 'good' }} />,
                },
                {
                  title: 'Published',
                  cell: (row) => (row.published_at ? <Time at={row.published_at} /> : ''),
                },
                {
                  title: 'Definition',
                  cell: (row) => <code>{short(row.definition_digest.replace('sha256:', ''))}</code>,
                },
              ]}
              rows={versions}
              keyOf={(row) => `${row.definition_digest} ${row.published_at} ${row.deployed}`}
            />
            {more && <p class="soft">Older versions are kept, too.</p>}
          </>
        )}
      </Answer>
      <ShowCommand text={command(['workflows', id], { tenant })} />
    </>
  );
}
