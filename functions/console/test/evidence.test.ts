// Signatures of receipts, certificates of short-lived keys, and the chain of digests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical, differences } from '../src/lib/canonical';
import { type Chain, checkedChain } from '../src/lib/chain';
import { base64url, Refused, sha256, verified } from '../src/lib/evidence';

const UTF8 = new TextEncoder();

interface Signer {
  jwk: Record<string, unknown>;
  kid: string;
  sign(kind: string, payload: string): Promise<[string, string]>;
}

async function signer(): Promise<Signer> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const jwk = { crv, kty, x, y };
  const digest = await crypto.subtle.digest('SHA-256', UTF8.encode(canonical(jwk)));
  const kid = base64url(new Uint8Array(digest));
  return {
    jwk,
    kid,
    sign: async (kind, payload) => {
      const header = canonical({ alg: 'ES256', kid, typ: `holdfast-${kind}+jws` });
      const protectedPart = base64url(UTF8.encode(header));
      const input = UTF8.encode(`${protectedPart}.${base64url(UTF8.encode(payload))}`);
      const how = { name: 'ECDSA', hash: 'SHA-256' };
      const signature = await crypto.subtle.sign(how, pair.privateKey, input);
      return [protectedPart, base64url(new Uint8Array(signature))];
    },
  };
}

async function sealed(by: Signer, kind: string, content: object): Promise<Uint8Array> {
  const [header, signature] = await by.sign(kind, canonical(content));
  return UTF8.encode(canonical({ ...content, signature: `${header}..${signature}` }));
}

async function certificate(by: Signer, key: Signer, changes: object = {}): Promise<string> {
  const payload = canonical({
    deployment: '1/eu/a',
    function_version: '$LATEST',
    jwk: key.jwk,
    not_before: '2026-11-24T09:00:00Z',
    not_after: '2026-11-24T10:00:00Z',
    ...changes,
  });
  const [header, signature] = await by.sign('certificate', payload);
  return `${header}.${base64url(UTF8.encode(payload))}.${signature}`;
}

const RECEIPT = {
  format: 'holdfast.receipt/1',
  deployment: '1/eu/a',
  timestamp: '2026-11-24T09:30:00Z',
  status: 'EXECUTED',
  subject: 'Zoë <b>',
  steps: [{ name: 'hold', status: 'SUCCESS' }],
};

test('canonical JSON sorts members and writes numbers and texts as RFC 8785 does', () => {
  const value = { b: [1e21, 0.1, -0, 'é\u2028"'], a: { z: null, y: true }, é: 1, A: {} };
  assert.equal(
    canonical(value),
    '{"A":{},"a":{"y":true,"z":null},"b":[1e+21,0.1,0,"é\u2028\\""],"é":1}',
  );
});

test('a receipt verifies by the key of the set, and by a short-lived key that it certified', async () => {
  const [deployment, short] = await Promise.all([signer(), signer()]);
  const keys = { keys: [{ ...deployment.jwk, use: 'sig', alg: 'ES256' }] };
  const plain = await verified(await sealed(deployment, 'receipt', RECEIPT), 'receipt', keys);
  assert.equal(plain.kid, deployment.kid);
  assert.equal(plain.certificate, undefined);
  const certified = { ...RECEIPT, certificate: await certificate(deployment, short) };
  const other = await verified(await sealed(short, 'receipt', certified), 'receipt', keys);
  assert.equal(other.kid, deployment.kid);
  assert.equal(other.certificate?.deployment, '1/eu/a');
});

test('a file that was changed, or signed by another key or for another kind, is refused', async () => {
  const [deployment, short, stranger] = await Promise.all([signer(), signer(), signer()]);
  const keys = { keys: [deployment.jwk] };
  const good = new TextDecoder().decode(await sealed(deployment, 'receipt', RECEIPT));
  const withCertificate = async (jws: string, by = short) =>
    sealed(by, 'receipt', { ...RECEIPT, certificate: jws });
  const rows: Array<[RegExp, Uint8Array]> = [
    [/changed after/, UTF8.encode(good.replace('EXECUTED', 'FAILED'))],
    [/canonical/, UTF8.encode(`${good}\n`)],
    [/canonical/, UTF8.encode(`\ufeff${good}`.replace('\ufeff', ' '))],
    [/canonical/, UTF8.encode(good.replace('{', '{"status":"FAILED",'))],
    [/not JSON/, UTF8.encode(good.slice(1))],
    [/not UTF-8/, new Uint8Array([0xff, 0xfe])],
    [/no signature/, UTF8.encode(canonical(RECEIPT))],
    [/not in the key set/, await sealed(stranger, 'receipt', RECEIPT)],
    [/not that of a receipt/, await sealed(deployment, 'digest', RECEIPT)],
    [
      /its format/,
      await sealed(deployment, 'receipt', { ...RECEIPT, format: 'holdfast.digest/1' }),
    ],
    [/not in the key set/, await withCertificate(await certificate(stranger, short))],
    [/not in the key set/, await withCertificate(await certificate(deployment, short), stranger)],
    [
      /deployment/,
      await withCertificate(await certificate(deployment, short, { deployment: '1/eu/b' })),
    ],
    [
      /outside/,
      await withCertificate(
        await certificate(deployment, short, { not_before: '2026-11-24T09:45:00Z' }),
      ),
    ],
    [
      /two hours/,
      await withCertificate(
        await certificate(deployment, short, { not_after: '2026-11-24T11:00:01Z' }),
      ),
    ],
    [/other members/, await withCertificate(await certificate(deployment, short, { role: 'all' }))],
    [
      /outside/,
      await sealed(short, 'receipt', {
        ...RECEIPT,
        timestamp: '2026-11-24T10:00:00.000000001Z',
        certificate: await certificate(deployment, short),
      }),
    ],
    [
      /no time in UTC/,
      await sealed(short, 'receipt', {
        ...RECEIPT,
        timestamp: '24 Nov 2026 09:30 UTC',
        certificate: await certificate(deployment, short),
      }),
    ],
  ];
  for (const [why, bytes] of rows) {
    await assert.rejects(verified(bytes, 'receipt', keys), (error: Error) => {
      assert.ok(error instanceof Refused, String(error));
      assert.match(error.message, why);
      return true;
    });
  }
  await assert.rejects(
    verified(
      await sealed(short, 'digest', {
        format: 'holdfast.digest/1',
        certificate: await certificate(deployment, short),
      }),
      'digest',
      keys,
    ),
    /not in the key set/,
  );
});

test('the members in which two files differ are named', () => {
  const tampered = { ...RECEIPT, steps: [{ name: 'hold', status: 'FAILED' }], extra: 1 };
  assert.deepEqual(differences(tampered, RECEIPT), [
    { at: 'extra', here: '1', there: undefined },
    { at: 'steps[0].status', here: '"FAILED"', there: '"SUCCESS"' },
  ]);
  assert.deepEqual(differences(RECEIPT, RECEIPT), []);
});

test('a chain is whole only if every digest names the one before, byte for byte', async () => {
  const deployment = await signer();
  const keys = { keys: [deployment.jwk] };
  const files = new Map<string, Uint8Array>();
  const listed: Array<{ from: string; until: string; sha256: string; object: string }> = [];
  let previous: object | undefined;
  for (const hour of [9, 10, 11]) {
    const from = `2026-11-24T${String(hour).padStart(2, '0')}:00:00Z`;
    const until = `2026-11-24T${String(hour + 1).padStart(2, '0')}:00:00Z`;
    const object = `digests/acme/${hour}.json`;
    const receipts = [{ object: `receipts/acme/${hour}.json`, sha256: '0', written_at: from }];
    const content = {
      format: 'holdfast.digest/1',
      tenant: 'acme',
      from,
      until,
      receipts,
      ...(previous && { previous }),
    };
    const bytes = await sealed(deployment, 'digest', content);
    files.set(until, bytes);
    const { signature } = JSON.parse(new TextDecoder().decode(bytes));
    previous = { object, sha256: await sha256(bytes), signature };
    listed.push({ from, until, sha256: await sha256(bytes), object });
  }
  const check = (list: typeof listed): Promise<Chain> =>
    checkedChain('acme', list, keys, async (digest) => files.get(digest.until) ?? new Uint8Array());
  const whole = await check(listed);
  assert.deepEqual([whole.findings, whole.digests, whole.receipts.length], [[], 3, 3]);
  const gap = await check([listed[0], listed[2]].filter((one) => one !== undefined));
  assert.equal(gap.findings.length, 2);
  const text = new TextDecoder().decode(files.get(listed[1]?.until ?? ''));
  files.set(listed[1]?.until ?? '', UTF8.encode(text.replace('"sha256":"0"', '"sha256":"1"')));
  const changed = await check(listed);
  assert.match(changed.findings[0]?.why ?? '', /changed after/);
});
