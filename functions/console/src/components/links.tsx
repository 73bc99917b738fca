// Links to the pages of resources, each with the tenant to which the resource belongs.
import { short } from '../lib/format';
import { address } from '../router';

interface Props {
  id: string;
  tenant: string | undefined;
}

export function ExecutionLink({ id, tenant, whole = false }: Props & { whole?: boolean }) {
  return (
    <a href={address(['executions', id], { tenant })}>
      <code>{whole ? id : short(id)}</code>
    </a>
  );
}

export function WorkflowLink({ id, tenant }: Props) {
  return <a href={address(['workflows', id], { tenant })}>{id}</a>;
}

// The link to an incident, which answers name by its path in the API.
export function IncidentLink({ path, tenant }: { path: string; tenant: string | undefined }) {
  const id = path.split('/').at(-1) ?? path;
  return (
    <a href={address(['incidents', id], { tenant })}>
      incident <code>{short(id)}</code>
    </a>
  );
}
