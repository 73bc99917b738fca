// The frame of every page: navigation, tenant, person, preferences, and the state of the sign-in.
import { useEffect, useState } from 'preact/hooks';
import { ROLES } from './api/roles';
import { Choice } from './components/choice';
import { Offline } from './components/states';
import { Tenant } from './components/tenant';
import { Clock } from './components/time';
import type { Person } from './lib/token';
import { PAGES, pageAt } from './pages';
import { setTheme, setZone, THEMES, theme, timeZone, usePreferences, ZONES } from './preferences';
import { may, seesEveryTenant } from './roles';
import { address, open, type Route, useRoute } from './router';
import { onChange, roleClaim, type SessionState, signIn, signOut, state } from './session';

export function App() {
  const [session, setSession] = useState<SessionState>(state);
  useEffect(() => onChange(() => setSession(state())), []);
  usePreferences();
  const route = useRoute();
  switch (session.kind) {
    case 'signed-in':
      return <Frame route={route} person={session.person} />;
    case 'signed-out':
      return <SignedOut why={session.why} />;
    case 'unavailable':
      return (
        <main class="door">
          <h1>Holdfast console</h1>
          <p role="alert">{session.why}</p>
          <button type="button" onClick={() => location.reload()}>
            Try again
          </button>
        </main>
      );
  }
}

function SignedOut({ why }: { why: string | undefined }) {
  return (
    <main class="door">
      <h1>Holdfast console</h1>
      {why && <p role="alert">{why}</p>}
      <p>Sign in with your organization’s account to see executions, decisions and receipts.</p>
      <button type="button" class="main" onClick={signIn}>
        Sign in
      </button>
    </main>
  );
}

function Frame({ route, person }: { route: Route; person: Person }) {
  const shown = PAGES.filter((page) => page.title && may(person.role, page.needs));
  const first = shown[0];
  const here = route.path.length === 0 && first ? { ...route, path: [...first.at] } : route;
  const page = pageAt(here.path);
  const allowed = page && may(person.role, page.needs);
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a place of this page */}
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <header class="top">
        <span class="name">Holdfast</span>
        <nav aria-label="Pages">
          <ul>
            {shown.map((each) => (
              <li key={each.title}>
                <a
                  href={address(each.at, { tenant: route.tenant })}
                  aria-current={each.at[0] === here.path[0] ? 'page' : undefined}
                >
                  {each.title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        {person.role !== '' && <Tenant route={here} person={person} />}
        <Clock />
        <details class="menu" key={here.path.join('/')} onKeyDown={closeOnEscape}>
          <summary>
            {person.subject}
            {person.subject !== person.role && <span class="role"> {person.role}</span>}
          </summary>
          <div class="sheet">
            <Facts person={person} />
            <Choice name="Theme" all={THEMES} value={theme()} onChange={setTheme} />
            <Choice name="Times" all={ZONES} value={timeZone()} onChange={setZone} />
            <button type="button" onClick={signOut}>
              Sign out
            </button>
          </div>
        </details>
      </header>
      <Offline />
      <main id="main" tabIndex={-1}>
        {page && allowed && (
          <page.component key={here.path.join('/')} route={here} person={person} />
        )}
        {person.role === '' ? <NoRole /> : !page && <NoPage />}
        {person.role !== '' && page && !allowed && <NotAllowed role={person.role} />}
      </main>
    </>
  );
}

// The router owns the part behind `#`, so that the link moves the focus itself.
function skip(event: Event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function closeOnEscape(event: KeyboardEvent & { currentTarget: HTMLDetailsElement }) {
  if (event.key !== 'Escape') return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector('summary')?.focus();
}

function Facts({ person }: { person: Person }) {
  return (
    <dl>
      <dt>Role</dt>
      <dd>{person.role || 'none'}</dd>
      <dt>Tenant</dt>
      <dd>{person.tenant ?? (seesEveryTenant(person.role) ? 'every tenant' : 'none')}</dd>
      {person.groups.length > 0 && (
        <>
          <dt>Groups</dt>
          <dd>{person.groups.join(', ')}</dd>
        </>
      )}
    </dl>
  );
}

function NoPage() {
  return (
    <section class="state">
      <h1>There is no such page</h1>
      <p>The address may be cut off.</p>
      <OpenFirst />
    </section>
  );
}

function OpenFirst() {
  return (
    <button type="button" onClick={() => open('#/')}>
      Open your first page
    </button>
  );
}

function NoRole() {
  return (
    <section class="state">
      <h1>Your account has no role here</h1>
      <p>
        The claim {roleClaim()} of your token must name exactly one role: {ROLES.join(', ')}. An
        administrator of your accounts can add it.
      </p>
    </section>
  );
}

function NotAllowed({ role }: { role: string }) {
  return (
    <section class="state">
      <h1>Forbidden</h1>
      <p>The role {role} does not see this page. A platform admin can say who may.</p>
      <OpenFirst />
    </section>
  );
}
