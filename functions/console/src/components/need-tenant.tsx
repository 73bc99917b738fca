// The choice of a tenant, on pages that show the things of one.
import { apiFor } from '../api/client';
import type { Tenants } from '../api/types';
import type { Person } from '../lib/token';
import { useLive } from '../live';
import { may, SEES_TENANTS, seesEveryTenant } from '../roles';
import { address, type Route } from '../router';
import { Answer, Empty } from './states';

interface Props {
  route: Route;
  person: Person;
  // Why a tenant is needed.
  what: string;
}

// True if the address of a page of one tenant names none: the header then says every tenant.
export function needsTenant(route: Route, person: Person): boolean {
  return seesEveryTenant(person.role) && !route.tenant;
}

export function ChooseTenant({ route, person, what }: Props) {
  if (!may(person.role, SEES_TENANTS)) {
    return <Empty>{what} Type a tenant’s name above.</Empty>;
  }
  return <TenantList route={route} what={what} />;
}

function TenantList({ route, what }: { route: Route; what: string }) {
  const live = useLive<Tenants>(
    'tenants',
    (signal) => apiFor(undefined).get('tenants', {}, signal),
    null,
  );
  return (
    <section class="box">
      <h2>Choose a tenant</h2>
      <p>{what}</p>
      <Answer live={live} what="tenants">
        {({ tenants }) =>
          tenants.length === 0 ? (
            <Empty>No tenant is registered yet.</Empty>
          ) : (
            <ul class="links">
              {tenants.map(({ tenant, state }) => (
                <li key={tenant}>
                  <a href={address(route.path, { ...route.query, tenant })}>{tenant}</a>
                  {state === 'closed' && <span class="soft"> closed</span>}
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </section>
  );
}
