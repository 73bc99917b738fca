// The tenant whose things a platform role sees: it is part of the page's address.
import { useState } from 'preact/hooks';
import { apiFor } from '../api/client';
import type { Tenants } from '../api/types';
import type { Person } from '../lib/token';
import { useLive } from '../live';
import { may, seesEveryTenant } from '../roles';
import { address, open, type Route } from '../router';

interface Props {
  route: Route;
  person: Person;
}

export function Tenant({ route, person }: Props) {
  return seesEveryTenant(person.role) ? <Chooser route={route} person={person} /> : null;
}

function choose(route: Route, tenant: string) {
  // Another tenant's resource has another address, so that only the list stays.
  open(address(route.path.slice(0, 1), { tenant: tenant || undefined }));
}

function Chooser({ route, person }: Props) {
  const listed = may(person.role, 'see, register and close tenants');
  const tenants = useLive<Tenants | null>(
    'tenants',
    async (signal) => (listed ? apiFor(undefined).get<Tenants>('tenants', {}, signal) : null),
    null,
  );
  const known = tenants.data?.tenants.map((each) => each.tenant) ?? [];
  if (!listed) return <TenantField route={route} />;
  const names = route.tenant && !known.includes(route.tenant) ? [...known, route.tenant] : known;
  return (
    <label class="tenant">
      <span>Tenant</span>
      <select
        value={route.tenant ?? ''}
        onChange={(event) => choose(route, event.currentTarget.value)}
      >
        <option value="">every tenant</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

// A platform observer may not list the tenants, and types the name.
function TenantField({ route }: { route: Route }) {
  const [text, setText] = useState(route.tenant ?? '');
  return (
    <form
      class="tenant"
      onSubmit={(event) => {
        event.preventDefault();
        choose(route, text.trim());
      }}
    >
      <label>
        <span>Tenant</span>
        <input
          value={text}
          placeholder="every tenant"
          size={14}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
    </form>
  );
}
