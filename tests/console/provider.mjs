// An issuer that is not the project's: oidc-provider, a certified OpenID provider, in a thread of
// its own. It signs anybody in by name, with its own pages. What it does not do by default is done
// as its documentation says: tokens for a resource (RFC 8707), claims, and refresh tokens.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

// Collision-resistant names, as Auth0 recommends for claims.
export const CLAIMS = {
  tenant: 'https://holdfast.example/tenant',
  role: 'https://holdfast.example/roles',
  groups: 'https://holdfast.example/groups',
};
export const CLIENT = 'a-client-of-the-console';
// An issuer of RFC 8707 accepts an absolute URI alone.
export const AUDIENCE = 'https://api.holdfast.example';
// The lifetime of a token, in seconds.
export const LIFE = 900;

// Each name signs in. Roles are lists, as those of Microsoft Entra ID and Amazon Cognito.
const PEOPLE = {
  'platform-admin': { role: ['everyone', 'platform-admin'] },
  // The first token is over when it is made, as if the issuer's clock were slow.
  'platform-observer': { role: ['platform-observer'], shifts: [-LIFE] },
  'tenant-admin': { role: ['tenant-admin'], tenant: 'acme' },
  // The issuer gives no refresh token to this person.
  observer: { role: ['observer'], tenant: 'acme', noRefresh: true },
  auditor: { role: ['auditor'], tenant: 'acme' },
  approver: { role: ['approver'], tenant: 'acme', groups: ['staff', 'cfo'] },
  stranger: { role: ['everyone'] },
  // No token is valid yet, as if the issuer's clock were fast.
  early: { role: ['observer'], tenant: 'acme', shifts: Array(99).fill(LIFE) },
};

// Starts the issuer's thread, which listens on a free port and keeps it. The deployment needs the
// issuer's address, and the issuer the deployment's pages, so that the issuer answers after both
// exist: `serve` takes the addresses to which it returns people.
export async function provider() {
  const worker = new Worker(new URL(import.meta.url), { workerData: { provider: true } });
  const [address] = await once(worker, 'message');
  // The grants and errors, as texts.
  const seen = [];
  const serve = async (pages) => {
    worker.postMessage(pages);
    await once(worker, 'message');
    worker.on('message', (message) => seen.push(message));
  };
  return { address, seen, serve, close: () => worker.terminate() };
}

async function work() {
  let handler = (_request, response) => response.writeHead(503).end();
  const server = createServer((request, response) => handler(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${server.address().port}`;
  const pages = once(parentPort, 'message');
  parentPort.postMessage(address);
  handler = await handlerOf(address, ...(await pages));
  parentPort.postMessage('serves');
}

// The issuer of this address as a handler of requests.
async function handlerOf(address, pages) {
  const require = createRequire(new URL('../../infra/local/package.json', import.meta.url));
  // It warns of a development's key, cookies and pages.
  console.info = () => {};
  console.warn = () => {};
  const { Provider } = await import(require.resolve('oidc-provider'));
  const issuer = new Provider(address, {
    clients: [{
      client_id: CLIENT,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: pages,
      post_logout_redirect_uris: pages,
    }],
    findAccount: (_ctx, id) => (PEOPLE[id] ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
    extraTokenClaims: (_ctx, token) => Object.fromEntries(
      Object.entries(CLAIMS).map(([name, claim]) => [claim, PEOPLE[token.accountId][name]]),
    ),
    issueRefreshToken: (_ctx, _client, source) => !PEOPLE[source.accountId].noRefresh,
    formats: {
      customizers: {
        jwt(_ctx, token, { payload }) {
          const shift = PEOPLE[token.accountId].shifts?.shift() ?? 0;
          payload.iat += shift;
          payload.exp += shift;
        },
      },
    },
    features: {
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: '',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: LIFE,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  issuer.on('grant.success', ({ oidc }) => parentPort.postMessage(`${oidc.account.accountId}: ${oidc.params.grant_type}`));
  for (const event of ['grant.error', 'end_session.error', 'server_error']) {
    issuer.on(event, (_ctx, error) => parentPort.postMessage(`${event}: ${error.error_description ?? error}`));
  }
  return issuer.callback();
}

if (!isMainThread && workerData?.provider) await work();
