import {
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { decode, encode } from '@vouchsafe/bytes/codec';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { Reader } from '@vouchsafe/bytes/reader';
import { TpmsAttest, type TpmsClockInfo, tpmGeneratedValue } from '../attest.ts';
import { ekTemplates } from '../ek-template.ts';
import { kdfA, kdfE } from '../kdf.ts';
import type { Credential } from '../make-credential.ts';
import { nameOf, qualifiedNameOf } from '../name.ts';
import type { TpmsPcrSelection } from '../pcr-selection.ts';
import { encodePublic, Tpm2bDigest, TpmsEccPoint, type TpmtPublic } from '../public.ts';
import { type PcrValues, quoteDigest } from '../quote-digest.ts';
import { type SoftwareKey, softwareKey } from './software-key.ts';

/** TPM_RH_ENDORSEMENT (Part 2, 7.4): where the AK stands. */
const endorsement = Uint8Array.of(0x40, 0, 0, 0x0b);

/**
 * What a TPM does in an attestation, with its keys in memory: thousands fit into a process. It opens credentials and
 * signs quotes as a TPM would; a service cannot tell the difference, apart from who certified its EK.
 */
export class SoftwareTpm {
  readonly ekPublic: Uint8Array<ArrayBuffer>;
  readonly ekKey: KeyObject;
  readonly ak: SoftwareKey;
  readonly clock: { clock: bigint; resetCount: number; restartCount: number; safe: boolean };
  readonly #ekPrivate: KeyObject;
  readonly #ekX: Uint8Array;
  readonly #akName: Uint8Array;
  readonly #signer: Uint8Array;

  constructor(clock: TpmsClockInfo = { clock: 1_000_000n, resetCount: 7, restartCount: 0, safe: true }) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const { x, y } = publicKey.export({ format: 'jwk' });
    const unique = { x: fromBase64url(x!), y: fromBase64url(y!) };
    this.ekPublic = encodePublic({ ...ekTemplates['L-2'].area, unique } as TpmtPublic);
    [this.ekKey, this.#ekPrivate, this.#ekX] = [publicKey, privateKey, unique.x];
    this.ak = softwareKey('ecc');
    this.#akName = nameOf(this.ak.publicArea);
    this.#signer = qualifiedNameOf(endorsement, this.#akName);
    this.clock = { ...clock };
  }

  /** TPM2_ActivateCredential (Part 1, 24). @throws {Error} when the credential is for another EK or AK */
  activate({ credentialBlob, encryptedSecret }: Credential): Uint8Array {
    const point = decode(TpmsEccPoint, encryptedSecret);
    const z = diffieHellman({ privateKey: this.#ekPrivate, publicKey: publicKeyAt(point) });
    const seed = kdfE('sha256', z, 'IDENTITY', point.x, this.#ekX);
    const reader = new Reader(credentialBlob);
    const integrity = Tpm2bDigest.read(reader, {});
    const identity = reader.take(reader.left);
    const own = createHmac('sha256', kdfA('sha256', seed, 'INTEGRITY'))
      .update(identity)
      .update(this.#akName)
      .digest();
    if (!equalBytes(own, integrity)) throw new Error('TPM_RC_INTEGRITY');
    const key = kdfA('sha256', seed, 'STORAGE', this.#akName, undefined, 128);
    const plain = createDecipheriv('aes-128-cfb', key, new Uint8Array(16)).update(identity);
    return decode(Tpm2bDigest, new Uint8Array(plain));
  }

  /** TPM2_Quote: a TPMS_ATTEST and its signature; the clock goes on. */
  quote(extraData: Uint8Array, pcrSelect: TpmsPcrSelection[], values: PcrValues) {
    this.clock.clock += 1000n;
    const attest = encode(TpmsAttest, {
      magic: tpmGeneratedValue,
      type: 'quote',
      qualifiedSigner: this.#signer,
      extraData,
      clockInfo: this.clock,
      firmwareVersion: 0x0007000200030000n,
      attested: { pcrSelect, pcrDigest: quoteDigest(pcrSelect, values, 'sha256') },
    } as TpmsAttest);
    return { attest, signature: this.ak.sign(attest) };
  }
}

const publicKeyAt = ({ x, y }: TpmsEccPoint): KeyObject =>
  createPublicKey({
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: Buffer.from(x).toString('base64url'),
      y: Buffer.from(y).toString('base64url'),
    },
    format: 'jwk',
  });
