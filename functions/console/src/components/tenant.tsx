// The tenant whose things a platform role sees: it is part of the page's address.
import { createContext } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { apiFor } from '../api/client';
import type { Tenants } from '../api/types';
import type { Person } from '../lib/token';
import { useLive } from '../live';
import { may, SEES_TENANTS, seesEveryTenant } from '../roles';
import { address, open, type Route } from '../router';

// The tenant that the reader chose for lists; undefined for every tenant, or for the token's.
export const ChosenTenant = createContext<string | undefined>(undefined);

// Returns the tenant of the last list that this window showed. A link to a resource names the
// tenant of the resource, which is no choice of the reader. Without a list before, it counts.
export function useChosenTenant(named: string | undefined, ofResource: boolean) {
  const chosen = useRef(named);
  if (!ofResource) chosen.current = named;
  return chosen.current;
}

// The tenant of a list: that of the address, or else every tenant for a role that sees every one.
export function tenantOfList(route: Route, person: Person): string | undefined {
  return route.tenant ?? (seesEveryTenant(person.role) ? '*' : undefined);
}

interface Props {
  route: Route;
  person: Person;
}

// On the page of a resource, the tenant of the resource: a request of this page takes effect there.
// On every other page, the choice of the tenant whose things are listed.
export function Tenant({ route, person, ofResource }: Props & { ofResource: boolean }) {
  if (!seesEveryTenant(person.role)) return null;
  // Without a tenant in the address, the API takes the token's.
  const tenant = route.tenant ?? person.tenant;
  if (!ofResource || !tenant) return <Chooser route={route} person={person} />;
  return (
    <p class="tenant">
      <span>Tenant</span> <strong>{tenant}</strong>
    </p>
  );
}

function choose(route: Route, tenant: string) {
  // Another tenant's resource has another address, so that only the list stays.
  open(address(route.path.slice(0, 1), { tenant: tenant || undefined }));
}

function Chooser({ route, person }: Props) {
  const listed = may(person.role, SEES_TENANTS);
  const tenants = useLive<Tenants | null>(
    'tenants',
    async (signal) => (listed ? apiFor(undefined).get<Tenants>('tenants', {}, signal) : null),
    null,
  );
  const known = tenants.data?.tenants.map((each) => each.tenant) ?? [];
  // The field starts with the tenant of each address.
  if (!listed) return <TenantField key={route.tenant} route={route} />;
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
