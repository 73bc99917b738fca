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

interface SubjectProps extends Props {
  subject: string | null | undefined;
  // The kind of page: `executions` or `receipts`.
  to: string;
}

// The link of a row by its subject. Executions can have one subject, so that the id is below it.
export function SubjectLink({ id, subject, to, tenant }: SubjectProps) {
  const code = <code>{short(id)}</code>;
  return (
    <>
      <a href={address([to, id], { tenant })}>{subject || code}</a>
      {subject && <div class="soft">{code}</div>}
    </>
  );
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
