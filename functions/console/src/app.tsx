// The frame of every page: navigation, tenant, person, preferences, and the state of the sign-in.
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { failed } from './api/problem';
import { ROLES } from './api/roles';
import { Boundary, ShownAnswer } from './components/boundary';
import { Choice } from './components/choice';
import { Page } from './components/page';
import { Offline } from './components/states';
import { ChosenTenant, Tenant, useChosenTenant } from './components/tenant';
import { Clock } from './components/time';
import type { Person } from './lib/token';
import { isOfResource, PAGES, pageAt } from './pages';
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
      return (
        <Boundary what="the console" instead={(again) => <AllFailed again={again} />}>
          <Frame route={route} person={session.person} />
        </Boundary>
      );
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
  const ofResource = page !== undefined && isOfResource(page);
  const chosen = useChosenTenant(here.tenant, ofResource);
  return (
    <ChosenTenant.Provider value={chosen}>
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
                  href={address(each.at, { tenant: chosen })}
                  aria-current={each.at[0] === here.path[0] ? 'page' : undefined}
                >
                  {each.title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        {person.role !== '' && (
          <Boundary
            what="the tenants"
            instead={(again) => (
              <button type="button" class="plain" onClick={again}>
                Load the tenants again
              </button>
            )}
          >
            <Tenant route={here} person={person} ofResource={ofResource} />
          </Boundary>
        )}
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
          <PageBoundary route={here}>
            <page.component key={here.path.join('/')} route={here} person={person} />
          </PageBoundary>
        )}
        {person.role === '' ? <NoRole /> : !page && <NoPage />}
        {person.role !== '' && page && !allowed && <NotAllowed role={person.role} />}
      </main>
    </ChosenTenant.Provider>
  );
}

// A page that failed is rendered again at another address, and when the reader asks for it.
function PageBoundary({ route, children }: { route: Route; children: ComponentChildren }) {
  const [turn, setTurn] = useState(0);
  // Another object for each visit, so that a page that is left and opened again is loaded again.
  const visit = useMemo(() => ({}), [address(route.path, route.query), turn]);
  const shown = {
    data: [visit],
    reload: () => setTurn(turn + 1),
  };
  return (
    <ShownAnswer.Provider value={shown}>
      <Boundary what="this page" instead={(again) => <PageFailed again={again} />}>
        {children}
      </Boundary>
    </ShownAnswer.Provider>
  );
}

// Replaces a page that could not be rendered, as its heading, which takes the focus, says.
function PageFailed({ again }: { again: () => void }) {
  const { title, detail, advice } = failed('Failed to show this page');
  return (
    <Page title={title}>
      <section class="state" role="alert">
        <p>{detail}</p>
        <p>{advice}</p>
        <button type="button" onClick={again}>
          Load again
        </button>
      </section>
    </Page>
  );
}

function AllFailed({ again }: { again: () => void }) {
  return (
    <main class="door">
      <PageFailed again={again} />
    </main>
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
