// What a page reads from the answers of issuers, which differ.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkIdToken, checkIssuer, personOf } from '../src/lib/token';

const NAMES = { tenant: 'tenant', role: 'role', groups: 'groups' };
const CLIENT = { issuer: 'https://issuer.example', client_id: 'console' };

function tokenOf(claims: unknown): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
}

test('the_role_of_a_list_is_the_one_that_the_api_reads', () => {
  const role = (role: unknown) => personOf(tokenOf({ sub: 'Zoë', role }), NAMES).role;
  assert.equal(role('observer'), 'observer');
  assert.equal(role(['everyone', 'observer']), 'observer');
  // Two roles, or none, are refused by the API.
  assert.equal(role(['auditor', 'observer']), '');
  assert.equal(role(['everyone']), '');
  assert.equal(role('everyone'), '');
  assert.equal(role(7), '');
  assert.equal(role([7, 'observer']), '');
  assert.equal(role(undefined), '');
});

test('claims_have_the_names_that_the_deployment_gives_them', () => {
  const names = { tenant: 'custom:tenant', role: 'cognito:groups', groups: 'https://a.b/groups' };
  const claims = {
    sub: 'Zoë',
    'custom:tenant': 'acme',
    'cognito:groups': ['approver'],
    'https://a.b/groups': 'cfo',
  };
  assert.deepEqual(personOf(tokenOf(claims), names), {
    subject: 'Zoë',
    role: 'approver',
    tenant: 'acme',
    groups: ['cfo'],
  });
});

test('an_access_token_that_is_no_jwt_is_named', () => {
  for (const token of ['opaque', 'a.b.c', '']) {
    assert.throws(() => personOf(token, NAMES), /no JWT, which the API needs/);
  }
});

test('an_answer_that_names_another_issuer_is_refused', () => {
  const answer = (query: string) => checkIssuer(new URLSearchParams(query), CLIENT);
  answer('code=a&state=b');
  answer('code=a&state=b&iss=https%3A%2F%2Fissuer.example');
  assert.throws(() => answer('code=a&iss=https%3A%2F%2Fissuer.example%2F'), /another issuer/);
  assert.throws(() => answer('error=access_denied&iss='), /another issuer/);
});

test('an_id_token_of_another_sign_in_client_or_issuer_is_refused', () => {
  const right = { nonce: 'n', iss: CLIENT.issuer, aud: ['other', 'console'] };
  const check = (claims: unknown) => checkIdToken(tokenOf(claims), 'n', CLIENT);
  check(right);
  check({ ...right, aud: 'console' });
  for (const wrong of [{ nonce: 'm' }, { nonce: undefined }, { iss: 'x' }, { aud: 'other' }]) {
    assert.throws(() => check({ ...right, ...wrong }), /another sign-in/);
  }
  assert.throws(() => checkIdToken(undefined, 'n', CLIENT), /no ID token/);
});
