import { createHmac, createPublicKey } from 'node:crypto';
import { CompactSign } from 'jose';
import { signToken, type TokenClaims } from '../attestation/token.ts';
import { type Certified, sampleClaims, type TestGroup, type TestSession, testGroup, testTime } from './group.ts';

/** Who is attacked: a group, its attestd, and a session of one of its hosts whose token would be good. */
export interface TokenVictim {
  readonly ours: TestGroup;
  readonly attestd: Certified;
  readonly session: TestSession;
}

/** A token that nobody must accept. */
export interface TokenAttack {
  /** Of the attack catalogue. */
  readonly case: string;
  readonly name: string;
  readonly make: (victim: TokenVictim) => Promise<string>;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as Record<string, unknown>;

/** A token of the genuine attestd with other claims. */
const withClaims = (change: Partial<TokenClaims> | Record<string, unknown>) => async (victim: TokenVictim) =>
  signToken(victim.attestd.key, victim.attestd.certificate, {
    ...sampleClaims(victim.ours.group, victim.session),
    ...change,
  } as TokenClaims);

/** A token of the genuine attestd whose payload is not what JSON.stringify writes. */
const withText = (change: (json: string) => string) => async (victim: TokenVictim) => {
  const good = await withClaims({})(victim);
  const text = change(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString());
  const header = headerOf(good) as { alg: 'ES256' };
  return await new CompactSign(Buffer.from(text)).setProtectedHeader(header).sign(victim.attestd.key);
};

const without = (claim: string) => withText((json) => JSON.stringify({ ...JSON.parse(json), [claim]: undefined }));

/** The genuine payload under another header and, unless it is made by `sign`, without a signature that fits. */
const withHeader =
  (change: object, sign: (signed: string, victim: TokenVictim) => string = () => '') =>
  async (victim: TokenVictim) => {
    const good = await withClaims({})(victim);
    const [, payload = '', signature = ''] = good.split('.');
    const signed = `${encode({ ...headerOf(good), ...change })}.${payload}`;
    return `${signed}.${sign(signed, victim) || signature}`;
  };

/** A whole token by a key of the attacker, who names that key in the header. */
const byAttacker = (header: (victim: TokenVictim) => object) => async (victim: TokenVictim) => {
  const { privateKey } = victim.session.encryption;
  const claims = sampleClaims(victim.ours.group, victim.session);
  return await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'ES256', typ: 'vs-attestation+jwt', ...header(victim) })
    .sign(privateKey);
};

const signedBy = (signer: (ours: TestGroup) => Promise<Certified>) => async (victim: TokenVictim) => {
  const { key, certificate } = await signer(victim.ours);
  return await signToken(key, certificate, sampleClaims(victim.ours.group, victim.session));
};

const x5cOf = ({ attestd }: TokenVictim) => [attestd.certificate.raw.toString('base64')];
const macBy = (material: (victim: TokenVictim) => string | Buffer) => (signed: string, victim: TokenVictim) =>
  createHmac('sha256', material(victim)).update(signed).digest('base64url');
const spki = (type: 'pem' | 'der') => (victim: TokenVictim) =>
  createPublicKey(victim.attestd.key).export({ format: type as 'pem', type: 'spki' });

const ear = (change: object) =>
  withText((json) => {
    const claims = JSON.parse(json) as { submods: { host: object } };
    return JSON.stringify({ ...claims, submods: { host: { ...claims.submods.host, ...change } } });
  });
const vector = {
  'instance-identity': 'affirming',
  configuration: 'affirming',
  executables: 'warning',
  'file-system': 'warning',
  hardware: 'affirming',
};

/** Attacks on tokens: key and algorithm, time and audience, EAR, JSON. */
export const tokenAttacks: readonly TokenAttack[] = [
  { case: 'J01', name: 'alg none', make: withHeader({ alg: 'none' }) },
  {
    case: 'J01',
    name: 'alg none without signature',
    make: async (victim) => (await withHeader({ alg: 'none' })(victim)).replace(/[^.]*$/, ''),
  },
  { case: 'J01', name: 'HS256 under the public key in PEM', make: withHeader({ alg: 'HS256' }, macBy(spki('pem'))) },
  { case: 'J01', name: 'HS256 under the public key in DER', make: withHeader({ alg: 'HS256' }, macBy(spki('der'))) },
  {
    case: 'J01',
    name: 'HS256 under the certificate',
    make: withHeader(
      { alg: 'HS256' },
      macBy(({ attestd }) => attestd.certificate.raw),
    ),
  },
  { case: 'J01', name: 'another type', make: withHeader({ typ: 'JWT' }) },
  { case: 'J01', name: 'a kid that is a path', make: byAttacker(() => ({ kid: '../../../../dev/null' })) },
  { case: 'J01', name: 'a key behind jku', make: byAttacker(() => ({ jku: 'https://127.0.0.1:1/keys', kid: 'x' })) },
  { case: 'J01', name: 'a certificate behind x5u', make: byAttacker(() => ({ x5u: 'https://127.0.0.1:1/cert' })) },
  {
    case: 'J01',
    name: 'a key in the header',
    make: byAttacker(({ session }) => ({ jwk: session.encryption.publicKey.export({ format: 'jwk' }) })),
  },
  {
    case: 'J01',
    name: 'the genuine certificate and a key in the header',
    make: byAttacker((victim) => ({
      x5c: x5cOf(victim),
      jwk: victim.session.encryption.publicKey.export({ format: 'jwk' }),
    })),
  },
  {
    case: 'J01',
    name: 'a genuine certificate and the signature of another key',
    make: byAttacker((victim) => ({ x5c: x5cOf(victim) })),
  },
  { case: 'J02', name: 'expired', make: withClaims({ iat: testTime - 700, exp: testTime - 100 }) },
  { case: 'J02', name: 'from the future', make: withClaims({ iat: testTime + 100, exp: testTime + 200 }) },
  { case: 'J02', name: 'not valid yet', make: withClaims({ nbf: testTime + 100 }) },
  { case: 'J02', name: 'without exp', make: without('exp') },
  { case: 'J02', name: 'without iat', make: without('iat') },
  { case: 'J02', name: 'with an exp that is text', make: withClaims({ exp: String(testTime + 600) }) },
  { case: 'J02', name: 'with an exp that is no integer', make: withClaims({ exp: testTime + 0.5 }) },
  { case: 'J02', name: 'that lives for ever', make: withClaims({ exp: Number.MAX_SAFE_INTEGER }) },
  { case: 'J02', name: 'for another audience', make: withClaims({ aud: 'A'.repeat(43) }) },
  {
    case: 'J02',
    name: 'for several audiences',
    make: async (victim) => withClaims({ aud: [victim.ours.group.id, 'x'] })(victim),
  },
  {
    case: 'J05',
    name: 'of an attestd of another group',
    make: signedBy(async () => (await testGroup()).inRole('attestd')),
  },
  { case: 'J05', name: 'of a kmxd of the group', make: signedBy((ours) => ours.inRole('kmxd')) },
  { case: 'J06', name: 'whose status is better than its vector', make: ear({ 'ear.trustworthiness-vector': vector }) },
  { case: 'J06', name: 'whose status is worse than its vector', make: ear({ 'ear.status': 'warning' }) },
  { case: 'J06', name: 'whose status is no tier', make: ear({ 'ear.status': 'excellent' }) },
  { case: 'J06', name: 'whose status is a number', make: ear({ 'ear.status': 2 }) },
  {
    case: 'J06',
    name: 'whose vector holds no tier',
    make: ear({ 'ear.trustworthiness-vector': { ...vector, hardware: 3 } }),
  },
  { case: 'J06', name: 'whose vector is empty', make: ear({ 'ear.trustworthiness-vector': {} }) },
  { case: 'J06', name: 'without submods', make: without('submods') },
  { case: 'J06', name: 'with an appraisal of something else only', make: withClaims({ submods: { guest: {} } }) },
  { case: 'J06', name: 'of an unknown profile', make: withClaims({ eat_profile: 'tag:example,2020:other' }) },
  {
    case: 'J08',
    name: 'with a name twice',
    make: withText((json) => json.replace('"scope":', '"scope":"other","scope":')),
  },
  {
    case: 'J08',
    name: 'with a name twice, once escaped',
    make: withText((json) => json.replace('"scope":', '"sc\\u006fpe":"other","scope":')),
  },
  {
    case: 'J08',
    name: 'with a name twice in a submodule',
    make: withText((json) => json.replace('"ear.status":', '"ear.status":"none","ear.status":')),
  },
  {
    case: 'J08',
    name: 'with an integer that no double holds',
    make: withText((json) => json.replace('"epoch":0', '"epoch":90071992547409931')),
  },
  {
    case: 'J08',
    name: 'with a number that is infinite',
    make: withText((json) => json.replace('"epoch":0', '"epoch":1e999')),
  },
  {
    case: 'J08',
    name: 'nested deeper than anything',
    make: withText((json) => json.replace('"epoch":0', `"epoch":0,"x":${'['.repeat(5000)}${']'.repeat(5000)}`)),
  },
  {
    case: 'J08',
    name: 'longer than anything',
    make: withText((json) => json.replace('"epoch":0', `"epoch":0,"x":"${'x'.repeat(20000)}"`)),
  },
  { case: 'J08', name: 'in UTF-16', make: withText((json) => Buffer.from(json, 'utf16le').toString('latin1')) },
  {
    case: 'J09',
    name: 'of another tenant: its own group, its own attestd',
    make: async ({ session }) => {
      const theirs = await testGroup();
      const { key, certificate } = await theirs.inRole('attestd');
      return await signToken(key, certificate, sampleClaims(theirs.group, session));
    },
  },
];
