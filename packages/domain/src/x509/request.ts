import 'reflect-metadata';
import { createPublicKey, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type AlternativeNames, alternativeNames, commonName, readAlternativeNames, readCommonName } from './names.ts';
import { publicHalf } from './pem.ts';

/** What a certificate request (PKCS#10, RFC 2986) asks for; the signature by its own key was checked. */
export interface CertificateRequest {
  readonly commonName: string | undefined;
  readonly publicKey: KeyObject;
  readonly sans: Required<AlternativeNames>;
}

/** Makes a certificate request for a P-256 key. */
export async function createRequest(options: {
  readonly subject: string;
  readonly privateKey: KeyObject;
  readonly sans?: AlternativeNames;
}): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: commonName(options.subject),
    keys: {
      privateKey: options.privateKey.toCryptoKey(algorithm, false, ['sign']),
      publicKey: publicHalf(options.privateKey).toCryptoKey(algorithm, true, ['verify']),
    },
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: alternativeNames(options.sans ?? {}),
  });
  return `${request.toString('pem')}\n`;
}

/**
 * Reads a certificate request and checks that it was signed by the key it names.
 * @throws {TypeError} when the text is no request or the signature does not hold
 */
export async function parseRequest(pem: string): Promise<CertificateRequest> {
  if (pem.length > 16_384) throw new TypeError('certificate request: more than 16384 characters');
  const request = read(pem);
  if (!(await signedByItself(request)))
    throw new TypeError('certificate request: the signature is not by the key it names');
  return {
    commonName: readCommonName(request.subjectName),
    publicKey: createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' }),
    sans: readAlternativeNames(
      request.extensions.find((each) => each instanceof x509.SubjectAlternativeNameExtension) ?? null,
    ),
  };
}

/** A key that cannot be read has signed nothing. */
const signedByItself = (request: x509.Pkcs10CertificateRequest): Promise<boolean> =>
  request.verify().catch(() => false);

function read(pem: string): x509.Pkcs10CertificateRequest {
  try {
    return new x509.Pkcs10CertificateRequest(pem);
  } catch (cause) {
    throw new TypeError('certificate request: not a PKCS#10 request in PEM', { cause });
  }
}
